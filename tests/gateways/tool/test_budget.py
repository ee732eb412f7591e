"""How many tool calls a run may make."""

from __future__ import annotations

import pytest

from signoff.gateways.tool.gateway import act
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_the_runs_number_of_tool_calls(world: World) -> None:
    few = world.with_body(limits={"tool_calls": 2})
    kinds = [
        (await act(few.services, few.run, few.call("look_up", number=number, amount=number))).code
        for number in range(1, 4)
    ]
    assert kinds == [None, None, "tool_calls_exceeded"]
