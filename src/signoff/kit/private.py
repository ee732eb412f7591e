"""Folders and files that only this account reads. What is there already keeps the rights its owner gave it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def private_folder(path: Path) -> None:
    """Make the folder, unless it is there. Folders above it that are missing are made as usual."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def private_file(path: Path) -> None:
    """Make an empty file, unless it is there or cannot be made: whoever opens it next says why.

    A database gives the files beside it the rights of its own.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
