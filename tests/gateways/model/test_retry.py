"""Repeating a model call: only what may succeed later, as often as the revision says, never earlier than asked."""

from __future__ import annotations

import pytest

from signoff.agents.body import Retry
from signoff.gateways.model.call import Failure
from signoff.gateways.model.gateway import think
from signoff.gateways.model.policies.retry import SHORTENINGS_MAX, pause_seconds
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@sqlite
async def test_what_passes_is_tried_again(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(500), fake.html(), fake.text("pong"))
    assert (await think(world.services, world.run, ask())).kind == "answered"
    attempts = world.step("m:1:1").detail["attempts"]
    codes = [attempt.get("code") for attempt in attempts]
    assert codes == ["provider_unavailable", "model_answer_unreadable", None]
    assert all(attempt["model"] == "fake:gpt" and attempt["seconds"] >= 0 for attempt in attempts)


@sqlite
async def test_it_ends_with_the_revisions_number_of_repeats(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(503))
    assert (await think(world.services, world.run, ask())).code == "provider_unavailable"
    assert provider.calls() == 3


@pytest.mark.parametrize("behaviour", [fake.wrong_key(), fake.status(400), fake.status(404)])
@sqlite
async def test_what_stays_wrong_is_asked_once(world: World, provider: FakeProvider, behaviour: fake.Behaviour) -> None:
    provider.will("gpt", behaviour)
    assert (await think(world.services, world.run, ask())).kind == "stopped"
    assert provider.calls() == 1


@sqlite
async def test_the_pause_a_provider_asks_for_is_kept(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(429, retry_after=1), fake.text("pong"))
    assert (await think(world.services, world.run, ask())).kind == "answered"
    first, second = provider.requests
    assert second.at - first.at >= 1.0


def test_the_pauses_grow_are_bounded_and_differ() -> None:
    rule = Retry(max_retries=3, backoff_ms=100, multiplier=10, max_backoff_ms=2_000)
    passing = Failure("x", "x", is_transient=True)
    for number, base in ((1, 0.1), (2, 1.0), (3, 2.0)):
        pauses = {pause_seconds(rule, number, passing) for _ in range(20)}
        assert all(pause is not None and 0.5 * base <= pause <= 1.5 * base for pause in pauses)
        assert len(pauses) > 1
    assert pause_seconds(rule, 4, passing) is None
    assert pause_seconds(rule, 1, Failure("x", "x")) is None


def test_a_pause_that_is_asked_for_is_never_cut_short_and_a_long_one_is_not_waited_for() -> None:
    rule = Retry(backoff_ms=100)
    pause = pause_seconds(rule, 1, Failure("x", "x", is_transient=True, retry_after_seconds=7.0))
    assert pause is not None
    assert 7.0 <= pause <= 9.0
    assert pause_seconds(rule, 1, Failure("x", "x", is_transient=True, retry_after_seconds=600.0)) is None


@sqlite
async def test_a_conversation_that_is_too_long_is_shortened_once_with_a_mark(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.context_too_long(30_000))
    outcome = await think(world.services, world.run, ask("word " * 10_000))
    assert outcome.kind == "answered", outcome.reason
    assert provider.calls() == 2
    assert "cut here" in provider.prompts()
    assert world.step("m:1:1").detail["is_truncated"] is True
    assert world.row().is_truncated is True


@sqlite
async def test_what_is_too_long_also_when_shortened_is_told(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.context_too_long(100))
    outcome = await think(world.services, world.run, ask("word " * 10_000))
    assert (outcome.kind, outcome.code) == ("stopped", "context_too_long")
    assert provider.calls() == 1 + SHORTENINGS_MAX
