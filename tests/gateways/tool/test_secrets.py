"""Secrets in tool calls: only the listed ones, only the connection's own, masked in every form on the way back."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from signoff.connectors import faults
from signoff.gateways.tool.gateway import act
from signoff.tables.connections import Connection
from signoff.tables.runs import Effect, RunEvent, Step
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
SECRET = "p@ss/w\"rd+<9f8e7d>&'x"

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64url": lambda value: base64.urlsafe_b64encode(value.encode()).decode().rstrip("="),
    "hex": lambda value: value.encode().hex(),
    "url": lambda value: quote(value, safe=""),
    "json": lambda value: json.dumps(value)[1:-1],
    "html": html.escape,
    "reversed halves": lambda value: value[len(value) // 2 :] + value[: len(value) // 2],
}


def _kept(world: World) -> str:
    with world.store.read() as session:
        steps = [
            [step.request, step.response, step.detail, step.reason, step.verdicts]
            for step in session.scalars(select(Step))
        ]
        effects = [[effect.args, effect.result, effect.reason] for effect in session.scalars(select(Effect))]
        events = [event.data for event in session.scalars(select(RunEvent))]
        errors = [connection.last_error for connection in session.scalars(select(Connection))]
    return json.dumps([steps, effects, events, errors], ensure_ascii=False)


async def test_the_value_reaches_the_tool_and_nothing_else(world: World) -> None:
    world.secret("token", SECRET)
    outcome = await act(world.services, world.run, world.call(note="Bearer {{secret.token}}"))
    assert outcome.kind == "value"
    assert world.link.sent[0][1] == {"note": f"Bearer {SECRET}"}
    assert SECRET not in _kept(world)
    assert world.step(world.call().key).request["args"] == {"note": "Bearer {{secret.token}}"}


@pytest.mark.parametrize("form", list(FORMS))
async def test_an_echo_is_masked_in_every_form(world: World, form: str) -> None:
    world.secret("token", SECRET)
    encoded = FORMS[form](SECRET)
    world.link.behave = lambda tool, args: {"echo": [f"<<{encoded}>>"], encoded: 1}
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert outcome.value == {"echo": ["<<{{secret.token}}>>"], "{{secret.token}}": 1}
    kept = _kept(world)
    assert encoded not in kept
    assert SECRET not in kept


async def test_an_echo_through_another_call_is_masked_too(world: World) -> None:
    world.secret("token", SECRET)
    world.link.behave = lambda tool, args: f"you told me {SECRET}"
    outcome = await act(world.services, world.run, world.call("look_up"))
    assert outcome.value == "you told me {{secret.token}}"


@pytest.mark.parametrize("code", [faults.REJECTED, faults.OUTCOME_UNKNOWN, faults.SIGN_IN])
async def test_an_echo_in_an_error_is_masked(world: World, code: str) -> None:
    world.secret("token", SECRET)
    world.link.behave = lambda tool, args: faults.fault(code, f"bad key {SECRET}")
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert SECRET not in json.dumps(outcome.as_plain())
    assert "{{secret.token}}" in (outcome.reason or "")
    assert SECRET not in _kept(world)


async def test_a_secret_the_revision_does_not_list_fails_before_the_call(world: World) -> None:
    world.secret("token", SECRET)
    unlisted = world.with_body(secrets=[])
    outcome = await act(unlisted.services, unlisted.run, unlisted.call(note="{{secret.token}}"))
    assert (outcome.kind, outcome.code) == ("failed", "secret_not_listed")
    assert world.link.sent == []
    effect = world.effect(world.call().key)
    assert effect is not None
    assert effect.state == "failed"


async def test_a_secret_the_connection_does_not_have_fails_before_the_call(world: World) -> None:
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert (outcome.kind, outcome.code) == ("failed", "secret_unresolved")
    assert world.link.sent == []


async def test_a_value_that_looks_like_another_secret_stays_what_it_is(world: World) -> None:
    world.secret("token", "{{secret.other}}")
    await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert world.link.sent[0][1] == {"note": "{{secret.other}}"}


@pytest.mark.parametrize(
    "text", ["{{ secret.token }}", "{{secret.token.__class__}}", "{{7*7}}", "${secret.token}", "{{secret.to-ken}}"]
)
async def test_nothing_but_the_grammar_is_a_secret(world: World, text: str) -> None:
    world.secret("token", SECRET)
    await act(world.services, world.run, world.call(note=text))
    assert world.link.sent[0][1] == {"note": text}


async def test_the_connections_own_configuration_needs_no_listing(world: World) -> None:
    world.secret("auth", SECRET)
    config = {"command": "erp", "headers": {"Authorization": "Bearer {{secret.auth}}"}}
    world.change(lambda session: session.execute(update(Connection).values(config=config)))
    await act(world.services, world.run, world.call("look_up"))
    assert world.link.configs == [{"command": "erp", "headers": {"Authorization": f"Bearer {SECRET}"}}]
    assert SECRET not in _kept(world)
