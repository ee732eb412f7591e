"""A replay is answered from the record."""

from __future__ import annotations

import pytest

from signoff.gateways.model.gateway import think
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_a_replay_gets_what_was_recorded_and_stops_where_the_record_ends(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.tool_calls(("look_up", {"amount": 1})))
    original = await think(world.services, world.run, ask())
    replay = world.another_run().with_mode("replay", world.run.run_id)
    assert await think(replay.services, replay.run, ask()) == original
    assert replay.step("m:1:1").state == "cached"
    ended = await think(replay.services, replay.run, ask(number=2))
    assert (ended.kind, ended.code) == ("stopped", "not_recorded")
    assert provider.calls() == 1
    assert replay.row().cost_usd == 0
