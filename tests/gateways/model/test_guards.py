"""Why a model was not asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from signoff.gateways.model.answers import from_plain
from signoff.gateways.model.gateway import think
from signoff.kit import clock
from signoff.tables.agents import Agent
from signoff.tables.runs import Run, Step
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


async def test_every_verdict_of_an_allowed_call_is_on_the_step(world: World, provider: FakeProvider) -> None:
    await think(world.services, world.run, ask())
    assert [(verdict["policy"], verdict["kind"]) for verdict in world.step("m:1:1").verdicts] == [
        (name, "allow") for name in ("revocation", "recording", "budget", "cache")
    ]


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


async def test_an_equal_request_is_answered_from_the_cache_where_the_revision_wants_it(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.tool_calls(("look_up", {"amount": 1})))
    cached = world.with_body(model={"cache": True})
    first = await think(cached.services, cached.run, ask("same"))
    other = cached.another_run()
    second = await think(other.services, other.run, ask("same", number=2))
    assert provider.calls() == 1
    assert first.response is not None
    assert second.response is not None
    assert from_plain(second.response).tool_calls[0].args == from_plain(first.response).tool_calls[0].args
    # A call id of its own: the ledger of effects is kept by them.
    assert from_plain(second.response).tool_calls[0].tool_call_id == "call_1_2_1"
    assert (await think(other.services, other.run, ask("different", number=3))).kind == "answered"
    assert provider.calls() == 2


async def test_without_being_asked_nothing_is_cached(world: World, provider: FakeProvider) -> None:
    await think(world.services, world.run, ask("same"))
    await think(world.services, world.run, ask("same", number=2))
    assert provider.calls() == 2


async def test_a_step_that_was_finished_before_a_crash_is_not_asked_again(world: World, provider: FakeProvider) -> None:
    first = await think(world.services, world.run, ask())
    assert await think(world.services, world.run, ask()) == first
    assert provider.calls() == 1
    with world.store.read() as session:
        assert session.query(Step).count() == 1
    assert world.row().model_calls == 1
