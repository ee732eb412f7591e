"""A freeze stops writing, and reading goes on."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.freezes.actions import lift_freeze, order_freeze
from signoff.gateways.tool.gateway import act
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def _refused(world: World, call: Any, code: str, policy: str, kind: str = "failed") -> str:
    outcome = await act(world.services, world.run, call)
    assert (outcome.kind, outcome.code) == (kind, code), outcome
    step = world.step(call.key)
    assert step.verdicts[-1]["policy"] == policy
    assert step.reason == outcome.reason
    assert step.state == ("refused" if kind == "failed" else "stopped")
    assert world.link.sent == []
    assert world.row().tool_calls == 0
    return outcome.reason or ""


@pytest.mark.parametrize("scope", ["agent", "connection", "workspace"])
async def test_a_freeze_stops_writing_and_lets_reading_go_on(world: World, scope: Any) -> None:
    target = {"agent": world.run.agent_id, "connection": world.connection_id, "workspace": None}[scope]
    frozen: list[str] = []
    world.change(
        lambda session: frozen.append(
            order_freeze(session, world.principal, scope=scope, target_id=target, reason="wrong prices")
        )
    )
    reason = await _refused(world, world.call("post_bill"), "frozen", "freeze")
    assert "Alice" in reason
    assert "wrong prices" in reason
    assert (await act(world.services, world.run, world.call("look_up", number=2))).kind == "value"
    world.change(lambda session: lift_freeze(session, world.principal, frozen[0]))
    assert (await act(world.services, world.run, world.call("post_bill", number=3))).kind == "value"
