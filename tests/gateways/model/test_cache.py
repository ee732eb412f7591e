"""An equal request is answered without being asked twice, where the revision wants it."""

from __future__ import annotations

import pytest

from signoff.gateways.model.answers import from_plain
from signoff.gateways.model.gateway import think
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_an_equal_request_is_answered_from_the_cache_where_the_revision_wants_it(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.tool_calls(("look_up", {"amount": 1})))
    cached = world.with_body(model={"cache": True})
    first = await think(cached.services, cached.run, ask("same"))
    other = cached.another_run()
    second = await think(other.services, other.run, ask("same", number=2))
    assert provider.calls() == 1
    assert first.response is not None
    assert second.response is not None
    assert from_plain(second.response).tool_calls[0].args == from_plain(first.response).tool_calls[0].args
    # A call id of its own: the ledger of effects is kept by them.
    assert from_plain(second.response).tool_calls[0].tool_call_id == "call_1_2_1"
    assert (await think(other.services, other.run, ask("different", number=3))).kind == "answered"
    assert provider.calls() == 2


async def test_without_being_asked_nothing_is_cached(world: World, provider: FakeProvider) -> None:
    await think(world.services, world.run, ask("same"))
    await think(world.services, world.run, ask("same", number=2))
    assert provider.calls() == 2
