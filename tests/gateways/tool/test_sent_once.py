"""A write that a real server took is sent once and held when its answer is lost, whatever the server says later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from signoff.connectors.pool import Pool
from signoff.gateways.tool.gateway import act
from signoff.tables.connections import Connection, Tool
from tests.connectors.kit_http import Server, http, saying, serve
from tests.connectors.kit_mcp import BROKEN_OFF, OldServer
from tests.gateways.kit_world import World


async def connected(world: World, kind: str, config: dict[str, Any]) -> World:
    """Return the world with its connection leading to a real server, whose tool `post_bill` is accepted as it is."""
    pool = Pool(world.settings)
    link = await pool.link("probe", 1, kind, config)
    spec = next(spec for spec in await link.list_tools() if spec.name == "post_bill")

    def work(session: Any) -> None:
        accepted = {"definition": spec.definition, "definition_hash": spec.hash}
        session.execute(update(Connection).values(kind=kind, config=config))
        session.execute(update(Tool).where(Tool.name == "post_bill").values(accepted))

    world.change(work)
    return replace(world, services=replace(world.services, pool=pool))


async def outcome_of(world: World, **args: Any) -> tuple[str, str]:
    """Make the call; return what became of it and what the ledger says."""
    call = world.call(**args)
    outcome = await act(world.services, world.run, call)
    effect = world.effect(call.key)
    await world.services.pool.close()
    return outcome.kind, effect.state if effect else "none"


def times_called(server: Server) -> int:
    return sum(b"tools/call" in seen.body for seen in server.seen)


@pytest.mark.parametrize("rest", [http(401), http(404), http(429), http(503)])
async def test_over_mcp_when_the_rest_of_the_answer_is_refused(world: World, rest: bytes) -> None:
    async with serve(OldServer(BROKEN_OFF, rest=rest, tool="post_bill")) as server:
        there = await connected(world, "mcp_http", {"url": server.url("/mcp")})
        assert await outcome_of(there) == ("held", "unknown")
        assert times_called(server) == 1


@pytest.mark.parametrize("behind", [http(401), http(404), http(429)])
async def test_over_http_when_what_stands_behind_the_redirect_is_refused(world: World, behind: bytes) -> None:
    operation = {"operationId": "post_bill"}
    document = {"openapi": "3.1.0", "paths": {"/bills": {"post": operation}}}
    async with serve(saying(http(303, b"", "location: /jobs/1"), behind)) as server:
        there = await connected(world, "openapi", {"document": document, "base_url": server.url("/")})
        assert await outcome_of(there) == ("held", "unknown")
        assert [(seen.method, seen.target) for seen in server.seen] == [("POST", "/bills"), ("GET", "/jobs/1")]
