"""The operator's key service, reached through a program that reads base64 and writes base64; asked at start only."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from signoff.connectors.vaults.faults import KEY_SERVICE
from signoff.kit.errors import ConnectorError
from signoff.kit.text import shortened, storable

_BYTES_MAX = 20_000


def ask(command: Sequence[str], text: str, *, timeout_seconds: float) -> str:
    """Return what the program writes when it is given `text` on its standard input. Blocks; no shell is involved.

    Raises:
        ConnectorError: it cannot be started, fails, takes too long, or writes nothing or too much.
    """
    try:
        ended = subprocess.run(
            list(command),
            input=text.strip().encode() + b"\n",
            capture_output=True,
            check=False,
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise _fault(f"it did not end within {timeout_seconds:.0f} seconds. Is the key service in reach?") from error
    except (OSError, ValueError) as error:
        raise _fault(f"it could not be started ({type(error).__name__}).") from error
    if ended.returncode != 0:
        # What it complains about is the operator's to read; what it writes could be the key, and is not told.
        said = shortened(storable(" ".join(ended.stderr.decode("utf-8", "replace").split())), 300)
        raise _fault(f"it ended with {ended.returncode}: {said or 'it said nothing'}.")
    if not 0 < len(ended.stdout) <= _BYTES_MAX:
        raise _fault(f"it wrote {len(ended.stdout)} bytes; a key in base64 was expected.")
    return ended.stdout.decode("ascii", "replace").strip()


def _fault(detail: str) -> ConnectorError:
    return ConnectorError(detail, code=KEY_SERVICE)
