"""A rehearsal reads and writes nothing."""

from __future__ import annotations

import pytest

from signoff.gateways.tool.gateway import act
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_a_rehearsal_reads_and_writes_nothing(world: World) -> None:
    rehearsal = world.with_mode("sandbox")
    assert (await act(world.services, rehearsal.run, world.call("look_up"))).kind == "value"
    outcome = await act(world.services, rehearsal.run, world.call("post_bill", number=2, amount=1))
    assert outcome.kind == "value"
    assert outcome.value["is_simulated"] is True
    assert [tool for tool, _, _ in world.link.sent] == ["look_up"]
    step = world.step(world.call(number=2).key)
    assert (step.state, step.request["args"]) == ("simulated", {"amount": 1})
    assert world.effect(step.key) is None


async def test_a_rehearsal_still_keeps_to_the_rules(world: World) -> None:
    rehearsal = world.with_mode("sandbox")
    outcome = await act(world.services, rehearsal.run, world.call("post_bill", amount=-1))
    assert outcome.code == "bad_arguments"
