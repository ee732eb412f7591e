"""Secrets neither leave in a prompt nor come back in an answer, a step, an event or an error."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from sqlalchemy import select

from signoff.gateways.model.gateway import think
from signoff.gateways.services import Services
from signoff.tables.runs import RunEvent
from signoff.tables.signals import Leak
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask, settings_for

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
SECRET = "sk-live-9f8e7d6c5b4a"


def _everything_kept(world: World) -> str:
    step = world.step("m:1:1")
    with world.store.read() as session:
        events = [event.data for event in session.scalars(select(RunEvent))]
    return json.dumps([step.request, step.response, step.detail, step.verdicts, step.reason, events])


def _leaks(world: World) -> list[tuple[str, str, str]]:
    """What was caught: where, which secret, in which step; its value is kept nowhere."""
    with world.store.read() as session:
        return [(one.place, one.secret, one.step_key) for one in session.scalars(select(Leak).order_by(Leak.place))]


async def test_a_clean_call_and_a_mask_are_no_leak(world: World, provider: FakeProvider) -> None:
    world.secret("token", SECRET)
    await think(world.services, world.run, ask(messages=[ModelRequest(parts=[UserPromptPart("{{secret.token}}")])]))
    assert _leaks(world) == []


async def test_no_secret_leaves_in_a_prompt(world: World, provider: FakeProvider) -> None:
    world.secret("token", SECRET)
    messages = [
        ModelRequest(parts=[UserPromptPart(f"use {SECRET}")], instructions=f"SOP {SECRET}"),
        ModelResponse(parts=[TextPart(f"ok {SECRET}"), ToolCallPart("look_up", {"note": SECRET}, tool_call_id="c1")]),
        ModelRequest(parts=[ToolReturnPart("look_up", {"echo": [SECRET.encode().hex()]}, tool_call_id="c1")]),
    ]
    outcome = await think(world.services, world.run, ask(messages=messages))
    assert outcome.kind == "answered"
    sent = provider.prompts()
    assert SECRET not in sent
    assert SECRET.encode().hex() not in sent
    assert sent.count("{{secret.token}}") == 5
    assert _leaks(world) == [("prompt", "token", "m:1:1")]


async def test_no_secret_comes_back(world: World, provider: FakeProvider) -> None:
    world.secret("token", SECRET)
    provider.will("gpt", fake.text(f"the key is {SECRET} and again {SECRET[::-1]}"))
    outcome = await think(world.services, world.run, ask())
    for text in (json.dumps(outcome.as_plain()), _everything_kept(world)):
        assert SECRET not in text
        assert SECRET[::-1] not in text
    assert "{{secret.token}}" in json.dumps(outcome.as_plain())
    assert _leaks(world) == [("answer", "token", "m:1:1")]


async def test_no_secret_comes_back_beside_the_text(world: World, provider: FakeProvider) -> None:
    world.secret("token", SECRET)
    choice = {"index": 0, "delta": {"role": "assistant", "content": "pong"}, "finish_reason": None}
    base = {"id": SECRET, "object": "chat.completion.chunk", "created": 1, "model": SECRET}
    thought = {**choice, "delta": {"reasoning_content": "hm", "reasoning": SECRET}}
    details = {SECRET: 7}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "completion_tokens_details": details}
    lines = [
        {**base, "choices": [thought]},
        {**base, "choices": [choice]},
        {**base, "choices": [{**choice, "delta": {}, "finish_reason": "stop"}]},
        {**base, "choices": [], "usage": usage},
    ]
    sent = b"".join(f"data: {json.dumps(line)}\n\n".encode() for line in lines) + b"data: [DONE]\n\n"
    provider.will("gpt", fake.raw(sent, content_type="text/event-stream"))
    outcome = await think(world.services, world.run, ask())
    assert outcome.kind == "answered"
    assert SECRET not in json.dumps(outcome.as_plain()) + _everything_kept(world)


async def test_no_secret_comes_back_where_an_error_was_cut_short(world: World, provider: FakeProvider) -> None:
    world.secret("token", SECRET)
    for before in range(270, 300):
        provider.will("gpt", fake.status(400, "x" * before + SECRET))
        outcome = await think(world.services, world.run, ask(number=before))
        assert SECRET[:12] not in str(outcome.reason)


async def test_no_secret_comes_back_in_an_error(world: World, provider: FakeProvider) -> None:
    world.secret("token", SECRET)
    provider.will("gpt", fake.status(400, f"cannot use {SECRET}"))
    outcome = await think(world.services, world.run, ask())
    assert outcome.kind == "stopped"
    assert SECRET not in json.dumps(outcome.as_plain()) + _everything_kept(world)


async def test_no_secret_is_told_in_two_pieces_while_it_streams(world: World, provider: FakeProvider) -> None:
    words = "first second third fourth"
    world.secret("token", words)
    provider.will("gpt", fake.text("well " * 10 + words + " end" * 200, pause_seconds=0.02))
    await think(world.services, world.run, ask())
    with world.store.read() as session:
        told = [event.data["text"] for event in session.scalars(select(RunEvent).where(RunEvent.kind == "text"))]
    assert len(told) > 3
    assert words not in "".join(told)
    assert "{{secret.token}}" in "".join(told)
    assert "third" not in "".join(told)


async def test_no_key_of_a_provider_comes_back(world: World, provider: FakeProvider) -> None:
    """A provider that repeats the key it was asked with, in its refusal or in its answer."""
    key = "sk-operator-0123456789abcdef"
    settings = settings_for(world.settings, provider.base_url)
    settings.providers["fake"].api_key = SecretStr(key)
    services = replace(Services.build(settings, world.store, world.services.vault), pool=world.services.pool)
    for number, behaviour in enumerate((fake.status(401, f"Incorrect API key: {key}"), fake.text(f"it is {key}")), 1):
        provider.will("gpt", behaviour)
        outcome = await think(services, world.run, ask(number=number))
        step = world.step(f"m:1:{number}")
        kept = json.dumps([outcome.as_plain(), step.response, step.detail, step.reason])
        assert key not in kept
        assert "{{secret.providers.fake.api_key}}" in kept
    await services.providers.close()
