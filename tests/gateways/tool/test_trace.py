"""What is left of a tool call on its step."""

from __future__ import annotations

import pytest

from signoff.gateways.tool.gateway import act
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_every_verdict_of_an_allowed_call_is_on_the_step(world: World) -> None:
    await act(world.services, world.run, world.call("post_bill", amount=1))
    step = world.step(world.call().key)
    assert [verdict["policy"] for verdict in step.verdicts] == [
        "revocation", "grant", "values", "sub_agents", "requires", "loop", "budget", "recording", "freeze", "flow",
        "window", "cap", "sandbox", "shadow", "memory", "gate",
    ]  # fmt: skip
    assert (step.state, step.effect, step.response) == ("completed", "send", {"ok": True})
    assert world.row().tool_calls == 1
