"""Whatever a provider sends: an outcome with a code and words, never an exception, never a tool call from a part."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from signoff.gateways.model.answers import from_plain
from signoff.gateways.model.gateway import think
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask, settings_for

ONE_DATABASE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
pytestmark = ONE_DATABASE

UNUSABLE = {
    "garbage": (fake.garbage(), "model_answer_unreadable"),
    "html": (fake.html(), "model_answer_unreadable"),
    "wrong shape": (fake.wrong_shape(), "model_answer_unreadable"),
    "bytes that are no text": (fake.bad_utf8(), "model_answer_unreadable"),
    "nothing at all": (fake.raw(b""), "model_answer_unreadable"),
    "a list": (fake.raw(b"[1,2,3]"), "model_answer_unreadable"),
    "null": (fake.raw(b"null"), "model_answer_unreadable"),
    "deep": (fake.raw(b"[" * 100_000), "model_answer_unreadable"),
    "huge": (fake.huge(), "model_answer_too_large"),
    "too many calls": (fake.many_tool_calls(1_000), "too_many_tool_calls"),
    "cut off": (fake.truncated(fake.tool_calls(("look_up", {"a": 1})), 300), "model_answer_cut_off"),
    "cut off quietly": (
        fake.truncated(fake.tool_calls(("look_up", {"a": 1})), 420, is_cut=False),
        "model_answer_cut_off",
    ),
    "500": (fake.status(500, "oops"), "provider_unavailable"),
    "503": (fake.status(503, "busy"), "provider_unavailable"),
    "529": (fake.status(529, "overloaded"), "provider_unavailable"),
    "429": (fake.status(429, "slow"), "provider_rate_limited"),
    "401": (fake.wrong_key(), "provider_key_refused"),
    "404": (fake.status(404, "no such model", error_code="model_not_found"), "model_not_found"),
    "400": (fake.status(400, "bad"), "provider_rejected"),
    "402": (fake.status(402, "pay", error_code="insufficient_quota"), "provider_quota_used_up"),
    "302": (fake.status(302, "elsewhere"), None),
}


@pytest.mark.parametrize("name", list(UNUSABLE))
async def test_an_unusable_answer_is_an_outcome_in_words(world: World, provider: FakeProvider, name: str) -> None:
    behaviour, code = UNUSABLE[name]
    provider.will("gpt", behaviour)
    outcome = await think(world.services, world.run, ask())
    assert outcome.kind == "stopped"
    assert outcome.response is None
    assert outcome.reason
    if code:
        assert outcome.code == code
    step = world.step("m:1:1")
    assert (step.state, step.code, step.reason) == ("failed", outcome.code, outcome.reason)
    assert step.ended_at is not None


USABLE: dict[str, Any] = {
    "text": (fake.text("pong"), "pong"),
    "not streamed though asked": (fake.not_streamed("whole"), "whole"),
    "empty": (fake.empty(), ""),
    "unstorable characters": (fake.surrogates(), "a\ufffdb"),
    "unknown tool": (fake.tool_calls(("no_such_tool", {})), ""),
    "arguments that are no JSON": (fake.tool_calls(("look_up", "{not json")), ""),
    "deep arguments": (fake.tool_calls(("look_up", '{"a":' * 5_000 + "1" + "}" * 5_000)), ""),
}


@pytest.mark.parametrize("name", list(USABLE))
async def test_what_the_loop_can_work_with_is_passed_on(world: World, provider: FakeProvider, name: str) -> None:
    behaviour, words = USABLE[name]
    provider.will("gpt", behaviour)
    outcome = await think(world.services, world.run, ask())
    assert outcome.kind == "answered", outcome.reason
    assert outcome.response is not None
    assert (from_plain(outcome.response).text or "").startswith(words)


@pytest.mark.parametrize("said", ["null", " null ", ""])
async def test_no_arguments_at_all_are_none(world: World, provider: FakeProvider, said: str) -> None:
    provider.will("gpt", fake.tool_calls(("look_up", said)))
    outcome = await think(world.services, world.run, ask())
    assert outcome.response is not None
    (call,) = from_plain(outcome.response).tool_calls
    assert call.args_as_dict() == {}


@pytest.mark.parametrize("keep", range(40, 700, 60))
async def test_no_tool_call_comes_from_a_part_of_a_stream(world: World, provider: FakeProvider, keep: int) -> None:
    whole = fake.tool_calls(("post_bill", {"amount": 1_000_000}))
    provider.will("gpt", fake.truncated(whole, keep, is_cut=keep % 120 == 40))
    outcome = await think(world.services, world.run, ask())
    finished = b'"finish_reason": "tool_calls"' in b"".join(whole({"stream": True}, 1).chunks)[:keep]
    if outcome.kind == "answered":
        assert finished
    else:
        assert outcome.code in ("model_answer_cut_off", "model_answer_unreadable")


async def test_missing_usage_is_estimated_and_marked(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.text("pong " * 300, usage=None))
    assert (await think(world.services, world.run, ask("x" * 3_000))).kind == "answered"
    step = world.step("m:1:1")
    assert step.detail["is_usage_estimated"] is True
    assert (step.tokens_in or 0) > 900
    assert (step.tokens_out or 0) > 300
    assert (step.cost_usd or 0) > 0


async def test_an_equal_call_id_becomes_one_of_the_runs_own(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.tool_calls(("look_up", {}), ("look_up", {}), ids=["same", "same"]))
    found: list[str] = []
    for number in (1, 2):
        outcome = await think(world.services, world.run, ask(number=number))
        assert outcome.response is not None
        found += [call.tool_call_id for call in from_plain(outcome.response).tool_calls]
    assert found == ["call_1_1_1", "call_1_1_2", "call_1_2_1", "call_1_2_2"]


async def test_a_hanging_provider_is_left_after_the_revisions_time(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.hang(), fake.hang_in_stream(), fake.hang())
    quick = world.with_body(model={"settings": {"timeout_seconds": 0.2, "max_tokens": 10}})
    outcome = await think(quick.services, quick.run, ask())
    assert (outcome.kind, outcome.code) == ("stopped", "provider_timed_out")
    assert [attempt["code"] for attempt in world.step("m:1:1").detail["attempts"]] == ["provider_timed_out"] * 3


async def test_an_unreachable_provider_is_said_so(world: World) -> None:
    world.services.providers.__init__(settings_for(world.settings, "http://127.0.0.1:9/v1"))
    outcome = await think(world.services, world.run, ask())
    assert (outcome.kind, outcome.code) == ("stopped", "provider_unreachable")


async def test_a_wrong_key_names_the_place_of_the_key(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.wrong_key())
    outcome = await think(world.services, world.run, ask())
    assert "providers.fake.api_key" in (outcome.reason or "")
    assert provider.calls() == 1


async def test_a_missing_key_names_the_variable(world: World) -> None:
    outcome = await think(world.services, world.with_body(model={"name": "anthropic:claude"}).run, ask())
    assert outcome.code == "provider_key_missing"
    assert "ANTHROPIC_API_KEY" in (outcome.reason or "")


@pytest.mark.parametrize("usage", [(10**15, 10**15), (10**30, 10**30)])
async def test_a_usage_no_model_can_have_is_estimated_instead(
    world: World, provider: FakeProvider, usage: tuple[int, int]
) -> None:
    provider.will("gpt", fake.text("pong", usage=usage))
    outcome = await think(world.services, world.run, ask())
    assert outcome.kind == "answered", outcome.reason
    assert outcome.response is not None
    step = world.step("m:1:1")
    assert step.detail["is_usage_estimated"] is True
    assert 0 < (step.tokens_in or 0) < 1_000
    assert 0 < (step.tokens_out or 0) < 1_000
    assert 0 < (step.cost_usd or 0) < 1
    # The limit on a run's tokens is counted from the answers kept.
    assert from_plain(outcome.response).usage.total_tokens < 1_000


@pytest.mark.parametrize("behaviour", [fake.garbage(), fake.html(), fake.wrong_shape(), fake.bad_utf8()])
async def test_an_unreadable_answer_is_told_without_the_words_of_a_library(
    world: World, provider: FakeProvider, behaviour: fake.Behaviour
) -> None:
    provider.will("gpt", behaviour)
    reason = (await think(world.services, world.run, ask())).reason or ""
    assert reason.startswith("“fake” sent an answer that is not a model's answer")
    for word in ("Error", "decode", "attribute", "codec", "object"):
        assert word not in reason


async def test_an_answer_its_provider_filtered_out_says_so(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", lambda body, number: fake.completion(body, {"content": ""}, finish="content_filter"))
    outcome = await think(world.services, world.run, ask())
    assert (outcome.kind, outcome.code) == ("stopped", "model_refused")
    assert "content filter" in (outcome.reason or "")
    assert provider.calls() == 1
    assert (world.step("m:1:1").cost_usd or 0) > 0


async def test_the_operators_own_time_limit_for_a_provider_holds(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.hang())
    slow = settings_for(world.settings, provider.base_url)
    slow.providers["fake"].timeout_seconds = 0.2
    world.services.providers.__init__(slow)
    outcome = await think(world.services, world.run, ask())
    assert (outcome.kind, outcome.code) == ("stopped", "provider_timed_out")


async def test_an_answer_with_too_many_calls_tells_their_number_and_costs_what_it_used(
    world: World, provider: FakeProvider
) -> None:
    many = fake.many_tool_calls(1_000)
    provider.will("gpt", lambda body, number: many({**body, "stream": False}, number))
    outcome = await think(world.services, world.run, ask())
    step, run = world.step("m:1:1"), world.row()
    assert "asked for 1,000 tool calls in one answer" in (outcome.reason or "")
    assert (step.tokens_in, step.tokens_out) == (run.tokens_in, run.tokens_out) == (900, 200)
    assert step.cost_usd == run.cost_usd == Decimal("0.0057")
    assert step.detail["is_usage_estimated"] is False


async def test_a_stream_with_too_many_calls_is_left_and_its_cost_is_estimated(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.many_tool_calls(1_000))
    outcome = await think(world.services, world.run, ask())
    step = world.step("m:1:1")
    assert "asked for more than 128 tool calls in one answer" in (outcome.reason or "")
    assert step.detail["is_usage_estimated"] is True
    assert (step.tokens_out or 0) > 129 * 5


async def test_a_pause_that_is_asked_for_is_told_with_its_length(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(429, "slow down", retry_after=86_400))
    outcome = await think(world.services, world.run, ask())
    assert "asks for a pause of 24 hours (429)" in (outcome.reason or "")
    assert provider.calls() == 1


async def test_the_attempts_of_a_step_are_counted_once_for_lists_and_for_its_detail(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.status(503, "busy"), fake.status(503, "busy"), fake.text("pong"))
    await think(world.services, world.run, ask())
    step = world.step("m:1:1")
    assert (step.attempts, len(step.detail["attempts"])) == (3, 3)
