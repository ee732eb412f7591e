from __future__ import annotations

import pytest

from signoff.connections.actions import create_connection
from signoff.connections.vault import Vault
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit


@pytest.fixture
def acme(store: Store) -> kit.Place:
    """A workspace with an owner."""
    return kit.place(store)


@pytest.fixture
def vault() -> Vault:
    """A vault with a key of its own."""
    return kit.vault()


@pytest.fixture
def erp(store: Store, acme: kit.Place) -> str:
    """A connection to an ERP in production whose header holds a secret."""
    config = {"url": kit.URL, "headers": {"Authorization": "Bearer {{secret.ERP_TOKEN}}"}}
    with store.write() as session:
        return create_connection(
            session,
            acme.owner,
            environment_id=acme.production,
            slug="erp",
            name="ERP",
            kind="mcp_http",
            config=config,
        )
