"""A replay is answered from the record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signoff.freezes.actions import order_freeze
from signoff.gateways.tool.gateway import act
from signoff.kit import ids
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_a_replay_gets_the_recorded_results_and_does_nothing_new(world: World) -> None:
    world.link.behave = lambda tool, args: {"bill": 42}
    original = await act(world.services, world.run, world.call("post_bill", amount=1))
    world.change(lambda session: order_freeze(session, world.principal, scope="workspace", reason="today's trouble"))
    replay = world.another_run().with_mode("replay", world.run.run_id)
    assert await act(world.services, replay.run, replay.call("post_bill", amount=1)) == original
    other_id = replace(replay.call("post_bill", number=9, amount=1), key=ids.new_id("x"))
    assert await act(world.services, replay.run, other_id) == original
    refused = await act(world.services, replay.run, replay.call("post_bill", number=2, amount=2))
    assert (refused.kind, refused.code) == ("failed", "not_recorded")
    assert len(world.link.sent) == 1
