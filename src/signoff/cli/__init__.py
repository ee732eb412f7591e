"""The command line: one file per command group. Exit codes are in `exits`, and in docs/reference/cli.md."""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command and end the process with its exit code."""
    # Only now: `signoff --help` must not wait for what a command needs.
    from signoff.cli.commands import app
    from signoff.cli.exits import guarded

    sys.exit(guarded(lambda: app(standalone_mode=False)))
