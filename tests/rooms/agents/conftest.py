from __future__ import annotations

from collections.abc import Generator

import pytest

from signoff.tables.session import Store
from tests.kit_databases import PostgresDatabases, SqliteDatabases
from tests.rooms.agents.kit_instances import Instance, instance


@pytest.fixture
def here(store: Store) -> Instance:
    """An installation."""
    return instance(store, "here")


@pytest.fixture
def there(databases: SqliteDatabases | PostgresDatabases) -> Generator[Instance]:
    """Another one, with a database and keys of its own."""
    url = databases.fresh()
    opened = Store.open(url)
    yield instance(opened, "there")
    opened.close()
    databases.forget(url)
