"""Fresh, migrated databases: migrated once per test process, then copied."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.kit_postgres import Cluster

TEMPLATE = "signoff_template"


class SqliteDatabases:
    """Gives files; the first migrated one is the template of the others."""

    def __init__(self, folder: Path, migrate: Callable[[str], None]) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite"
        self._migrate = migrate
        self._numbers = itertools.count(1)

    def empty(self) -> str:
        """The address of a database with nothing in it, not even tables."""
        return f"sqlite:///{self._folder / f'empty-{next(self._numbers)}.sqlite'}"

    def fresh(self) -> str:
        """The address of a migrated database with no rows of its own."""
        if not self._template.exists():
            self._migrate(f"sqlite:///{self._template}")
        path = self._folder / f"fresh-{next(self._numbers)}.sqlite"
        shutil.copyfile(self._template, path)
        return f"sqlite:///{path}"

    def forget(self, url: str) -> None:
        """Remove the file of `url`."""
        for suffix in ("", "-wal", "-shm"):
            Path(url.removeprefix("sqlite:///") + suffix).unlink(missing_ok=True)


class PostgresDatabases:
    """Gives databases of one cluster; the first migrated one is the template of the others."""

    def __init__(self, cluster: Cluster, migrate: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._migrate = migrate
        self._has_template = False
        self._numbers = itertools.count(1)

    def empty(self) -> str:
        """The address of a database with nothing in it, not even tables."""
        return self._cluster.create(f"empty_{next(self._numbers)}")

    def fresh(self) -> str:
        """The address of a migrated database with no rows of its own."""
        if not self._has_template:
            self._migrate(self._cluster.create(TEMPLATE))
            self._has_template = True
        return self._cluster.create(f"fresh_{next(self._numbers)}", TEMPLATE)

    def forget(self, url: str) -> None:
        """Drop the database of `url`."""
        self._cluster.drop(url.rsplit("/", 1)[1])
