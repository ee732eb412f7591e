"""What no database takes, in arguments that came as an escape within a text of JSON."""

from __future__ import annotations

import pytest

from signoff.gateways.tool.gateway import act
from tests.gateways.kit_world import World


@pytest.mark.parametrize("odd", ["a\x00b", "a\ud800b"], ids=["NUL", "half a character"])
async def test_an_argument_with_what_no_database_takes_is_carried_out_with_the_sign_for_a_missing_one(
    world: World, odd: str
) -> None:
    outcome = await act(world.services, world.run, world.call("post_bill", amount=1, note=odd))
    assert outcome.kind == "value"
    step = world.step(world.call().key)
    assert step.state == "completed"
    effect = world.effect(world.call().key)
    assert effect is not None
    assert effect.args["note"] in ("a\ufffdb", "a?b")
