"""A run whose right to act has ended asks no model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from signoff.gateways.model.gateway import think
from signoff.kit import clock
from signoff.tables.agents import Agent
from signoff.tables.runs import Run
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

REVOKED: dict[str, Any] = {
    "cancelled": lambda: update(Run).values(is_cancel_requested=True),
    "run_is_over": lambda: update(Run).values(state="completed"),
    "agent_disabled": lambda: update(Agent).values(state="disabled"),
    "deadline_passed": lambda: update(Run).values(deadline_at=clock.now() - timedelta(seconds=1)),
}


@pytest.mark.parametrize("code", list(REVOKED))
async def test_a_revoked_run_asks_nobody(world: World, provider: FakeProvider, code: str) -> None:
    world.change(lambda session: session.execute(REVOKED[code]()))
    outcome = await think(world.services, world.run, ask())
    assert (outcome.kind, outcome.code) == ("stopped", code)
    step = world.step("m:1:1")
    assert (step.state, step.verdicts[-1]["policy"], step.verdicts[-1]["kind"]) == ("stopped", "revocation", "stop")
    assert provider.calls() == 0
    assert world.row().model_calls == 0


async def test_a_run_revoked_while_it_waits_to_repeat_asks_nobody_again(world: World, provider: FakeProvider) -> None:
    def revoke(body: dict[str, Any], number: int) -> fake.Reply:
        world.change(lambda session: session.execute(update(Agent).values(state="disabled")))
        return fake.status(429, retry_after=1)(body, number)

    provider.will("gpt", revoke)
    outcome = await think(world.services, world.run, ask())
    assert (outcome.kind, outcome.code) == ("stopped", "agent_disabled")
    assert provider.calls() == 1
    assert world.step("m:1:1").verdicts[-1]["code"] == "agent_disabled"
