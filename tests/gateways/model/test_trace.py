"""What is left of a model call on its step."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from signoff.gateways.model.gateway import think
from signoff.tables.runs import Step
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_every_verdict_of_an_allowed_call_is_on_the_step(world: World, provider: FakeProvider) -> None:
    await think(world.services, world.run, ask())
    assert [(verdict["policy"], verdict["kind"]) for verdict in world.step("m:1:1").verdicts] == [
        (name, "allow") for name in ("revocation", "recording", "budget", "cache")
    ]


async def test_a_step_that_was_finished_before_a_crash_is_not_asked_again(world: World, provider: FakeProvider) -> None:
    first = await think(world.services, world.run, ask())
    assert await think(world.services, world.run, ask()) == first
    assert provider.calls() == 1
    with world.store.read() as session:
        assert session.query(Step).count() == 1
    assert world.row().model_calls == 1


async def test_of_two_attempts_at_one_step_the_first_to_end_is_the_record(world: World, provider: FakeProvider) -> None:
    """A process that was taken for dead wakes up, and its answer comes beside that of who took over."""

    def slowly(body: dict[str, Any], number: int) -> fake.Reply:
        return replace(fake.text(f"answer {number}")(body, number), pause_seconds=0.2 * number)

    provider.will("gpt", slowly)
    first, second = await asyncio.gather(*(think(world.services, world.run, ask()) for _ in range(2)))
    assert provider.calls() == 2
    assert first == second
    step = world.step("m:1:1")
    assert (step.state, step.response) == ("completed", first.response)
    # Both were asked, and both are paid for.
    assert world.row().model_calls == 2


async def test_a_wait_for_a_provider_is_told_again_with_its_time(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(503))
    waiting = world.with_body(model={"on_outage": "wait"})
    first = await think(waiting.services, waiting.run, ask())
    asked = provider.calls()
    assert first.kind == "waits"
    assert await think(waiting.services, waiting.run, ask()) == first
    assert provider.calls() == asked


async def test_a_failure_is_told_again_in_its_words(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.wrong_key())
    first = await think(world.services, world.run, ask())
    assert first.kind == "stopped"
    assert await think(world.services, world.run, ask()) == first
    assert provider.calls() == 1
