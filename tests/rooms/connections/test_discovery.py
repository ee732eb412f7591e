"""Asking a real MCP server for its tools, with the network outside every session."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from signoff.connections import queries
from signoff.connections.actions import create_connection, disable_connection, edit_connection
from signoff.connections.discovery import check, discover
from signoff.connections.secrets import SecretMissing, create_secret
from signoff.connections.vault import Vault
from signoff.connectors import faults
from signoff.connectors.pool import Pool
from signoff.connectors.vaults.stores import SecretStores
from signoff.kit.errors import NotAllowed, NotNow
from signoff.settings import Settings, StdioCommand
from signoff.tables.session import Store
from tests.connectors.kit_http import http, saying, serve
from tests.rooms.connections import kit_connections as kit

pytestmark = pytest.mark.anyio
BENCH = Path(__file__).parents[2] / "connectors" / "servers" / "bench.py"


@pytest.fixture
async def services(settings: Settings, vault: Vault) -> AsyncGenerator[Any]:
    bench = StdioCommand(command=sys.executable, args=[str(BENCH), "stdio"])
    missing = StdioCommand(command="/does/not/exist")
    pool = Pool(settings.model_copy(update={"stdio_commands": {"bench": bench, "missing": missing}}))
    yield SimpleNamespace(pool=pool, vault=vault, stores=SecretStores(settings))
    await pool.close()


def made(store: Store, place: kit.Place, kind: str, config: dict[str, Any]) -> str:
    with store.write() as session:
        return create_connection(
            session, place.owner, environment_id=place.production, slug="bench", name="Bench", kind=kind, config=config
        )


def row(store: Store, place: kit.Place, connection_id: str) -> Any:
    with store.read() as session:
        return queries.connection(session, place.owner, connection_id).row


async def test_the_tools_of_a_server_are_pinned(store: Store, acme: kit.Place, services: Any) -> None:
    bench = made(store, acme, "mcp_stdio", {"command": "bench"})
    found = await discover(store, services, acme.owner, bench)
    assert found.ok
    assert found.discovery is not None
    assert "look_up" in found.discovery.accepted
    again = await discover(store, services, acme.owner, bench)
    assert again.discovery is not None
    assert again.discovery.unchanged == len(found.discovery.accepted)
    assert (row(store, acme, bench).health, row(store, acme, bench).tools) == ("ok", len(found.discovery.accepted))
    assert (await check(store, services, acme.owner, bench)).ok


async def test_a_failure_is_an_answer_and_is_kept(store: Store, acme: kit.Place, services: Any) -> None:
    missing = made(store, acme, "mcp_stdio", {"command": "missing"})
    for ask in (discover, check):
        found = await ask(store, services, acme.owner, missing)
        assert (found.ok, found.code) == (False, faults.UNREACHABLE)
        assert "could not be started" in str(found.error)
        assert row(store, acme, missing).last_error == found.error
        assert row(store, acme, missing).broken_at is not None


async def test_a_login_goes_along_and_is_masked_when_it_comes_back(
    store: Store, acme: kit.Place, services: Any
) -> None:
    value = "planted-value-8811"
    document = b'{"openapi":"3.1.0","paths":{"/x":{"get":{"operationId":"x","summary":"uses %s"}}}}' % value.encode()
    async with serve(saying(http(200, document))) as server:
        config = {
            "url": server.url("/openapi.json"),
            "base_url": server.url("/"),
            "headers": {"X-Api-Key": "{{secret.KEY}}"},
        }
        api = made(store, acme, "openapi", config)
        with pytest.raises(SecretMissing, match="KEY"):
            await discover(store, services, acme.owner, api)
        with store.write() as session:
            create_secret(session, acme.owner, services.vault, connection_id=api, name="KEY", value=value)
        assert (await discover(store, services, acme.owner, api)).ok
        assert server.seen[-1].headers["x-api-key"] == value
    with store.read() as session:
        tool = queries.tools_of(session, acme.owner, api)[0]
        assert tool.description == "uses {{secret.KEY}}"


async def test_who_may_not_test_does_not(store: Store, acme: kit.Place, services: Any) -> None:
    bench = made(store, acme, "mcp_stdio", {"command": "bench"})
    with pytest.raises(NotAllowed):
        await discover(store, services, acme.viewer, bench)
    with store.write() as session:
        disable_connection(session, acme.owner, bench)
    with pytest.raises(NotNow, match="Enable it first"):
        await check(store, services, acme.owner, bench)


async def test_an_edit_meanwhile_makes_the_answer_void(store: Store, acme: kit.Place, services: Any) -> None:
    bench = made(store, acme, "mcp_stdio", {"command": "bench"})
    link = await services.pool.link(bench, 1, "mcp_stdio", {"command": "bench"})
    listed = link.list_tools

    async def with_an_edit() -> Any:
        with store.write() as session:
            edit_connection(session, acme.owner, bench, name="Other")
        return await listed()

    link.list_tools = with_an_edit
    with pytest.raises(NotNow, match="changed while"):
        await discover(store, services, acme.owner, bench)
    with store.read() as session:
        assert queries.tools_of(session, acme.owner, bench) == ()
