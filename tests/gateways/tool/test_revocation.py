"""A run whose right to act has ended calls nothing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from signoff.gateways.tool.gateway import act
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection
from signoff.tables.runs import Run
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


REVOKED: dict[str, Any] = {
    "cancelled": update(Run).values(is_cancel_requested=True),
    "agent_disabled": update(Agent).values(state="disabled"),
    "connection_disabled": update(Connection).values(state="disabled"),
    "connection_disconnected": update(Connection).values(state="disconnected"),
}


@pytest.mark.parametrize("code", list(REVOKED))
async def test_a_revoked_run_calls_nothing(world: World, code: str) -> None:
    world.change(lambda session: session.execute(REVOKED[code]))
    reason = await _refused(world, world.call("look_up"), code, "revocation", "stopped")
    assert reason != ""
    assert world.link.sent == []
