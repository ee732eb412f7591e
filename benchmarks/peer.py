"""The durable peer from the package index, in a throwaway environment of its own: it must not weigh on our pins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PINS = ("langgraph==1.2.22", "langgraph-checkpoint-postgres==3.2.0", "psycopg[binary,pool]==3.3.9")


def interpreter(folder: Path) -> str | None:
    """Make the environment in `folder` and return its Python; None when it cannot be made here."""
    python = folder / "bin" / "python"
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PINS],
    )
    for words in steps:
        if subprocess.run(words, capture_output=True, check=False).returncode:
            return None
    return str(python)
