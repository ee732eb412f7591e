"""The demo as a program of its own, so that a test can kill it: `python kit_program.py DATA [MAIL [LIMIT]]`."""

from __future__ import annotations

import sys
from pathlib import Path

from signoff.demo.play import run_demo
from signoff.settings import Settings


def main() -> int:
    """Play without a server."""
    data, *rest = sys.argv[1:]
    mail = Path(rest[0]) if rest and rest[0] != "-" else None
    limit = int(rest[1]) if len(rest) > 1 else None
    return run_demo(Settings(data_dir=Path(data)), mail=mail, limit=limit, serve=False)


if __name__ == "__main__":
    sys.exit(main())
