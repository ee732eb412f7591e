"""The same call again and again is flagged, then ends the run."""

from __future__ import annotations

import pytest

from signoff.gateways.tool.gateway import act
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_the_same_call_again_and_again_is_flagged_and_then_ends_the_run(world: World) -> None:
    outcomes = [
        await act(world.services, world.run, world.call("look_up", number=number, amount=7)) for number in range(1, 6)
    ]
    assert [outcome.kind for outcome in outcomes] == ["value"] * 4 + ["stopped"]
    assert outcomes[-1].code == "loop"
    assert len(world.link.sent) == 4
    remarks = [
        next(verdict for verdict in world.step(world.call(number=number).key).verdicts if verdict["policy"] == "loop")
        for number in range(1, 6)
    ]
    assert [remark.get("code") for remark in remarks] == [None, None, "repeated_call", "repeated_call", "loop"]
    other = await act(world.services, world.run, world.call("look_up", number=6, amount=8))
    assert other.kind == "value"
