"""Where databases of tests lie: in the machine's memory, where it has room, since nothing here outlives its test.

Copying and dropping a database is a thousand small files; in memory that takes a tenth of the time it takes on a disk.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # Linux's own; a container may have made it too small.
_ROOM_BYTES = 2 * 1024**3


def folder_in_memory() -> Path | None:
    """A folder that is kept in memory and has room for the databases of several test processes; None: there is none."""
    is_usable = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK | os.X_OK)
    return _MEMORY if is_usable and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None
