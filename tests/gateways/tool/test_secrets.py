"""Secrets in tool calls: only the listed ones, only the connection's own, masked in every form on the way back."""

from __future__ import annotations

import asyncio
import base64
import html
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import delete, select, update

from signoff.connections.secrets import create_secret, delete_secret, grant_secret, replace_secret
from signoff.connectors import faults
from signoff.connectors.protocol import ToolSpec
from signoff.gateways.tool.gateway import act
from signoff.gateways.tool.policies import retry
from signoff.kit.errors import NotAllowed
from signoff.settings import SecretSource
from signoff.tables.connections import Connection, SecretGrant, Tool
from signoff.tables.runs import Effect, RunEvent, Step
from signoff.tables.signals import Leak
from tests.gateways.kit_world import FakeLink, FakePool, World

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


def _leaks(world: World) -> set[tuple[str, str, str]]:
    with world.store.read() as session:
        return {(one.place, one.what, one.secret) for one in session.scalars(select(Leak))}


async def test_the_value_reaches_the_tool_and_nothing_else(world: World) -> None:
    world.secret("token", SECRET)
    outcome = await act(world.services, world.run, world.call(note="Bearer {{secret.token}}"))
    assert outcome.kind == "value"
    assert world.link.sent[0][1] == {"note": f"Bearer {SECRET}"}
    assert SECRET not in _kept(world)
    assert _leaks(world) == set()
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
    assert _leaks(world) == {("result", "erp.post_bill", "token")}


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


async def test_a_secret_the_agent_was_not_granted_fails_before_the_call_and_the_step_says_so(world: World) -> None:
    world.secret("token", SECRET)
    world.change(lambda session: session.execute(delete(SecretGrant)))
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert (outcome.kind, outcome.code) == ("failed", "secret_not_granted")
    assert world.link.sent == []
    step = world.step(world.call().key)
    assert step.code == "secret_not_granted"
    assert step.verdicts[-1]["policy"] == "secrets"
    assert step.verdicts[-1]["kind"] == "deny"
    # Nothing has to be deployed anew: the next call may, once it is granted.
    secret = world.with_secret("token")
    world.change(lambda session: grant_secret(session, world.principal, secret, world.run.agent_id))
    assert (await act(world.services, world.run, world.call(number=2, note="{{secret.token}}"))).kind == "value"


async def test_a_replaced_value_counts_from_the_next_call_and_the_old_one_is_still_masked(world: World) -> None:
    """One call is under way with the old value while it is replaced; both values come back in both answers."""
    world.secret("token", SECRET)
    secret, new = world.with_secret("token"), "brand-new/value 4711"
    went_out, may_answer = asyncio.Event(), asyncio.Event()

    async def slow() -> Any:
        went_out.set()
        await may_answer.wait()
        return {"old": SECRET, "new": new}

    world.link.behave = lambda tool, args: slow()
    first = asyncio.create_task(act(world.services, world.run, world.call(note="{{secret.token}}")))
    await went_out.wait()
    world.change(lambda session: replace_secret(session, world.principal, world.services.vault, secret, value=new))
    world.link.behave = lambda tool, args: {"old": SECRET, "new": new, "hex": SECRET.encode().hex()}
    second = await act(world.services, world.run, world.call(number=2, note="{{secret.token}}"))
    may_answer.set()
    mark = "{{secret.token}}"
    assert second.value == {"old": mark, "new": mark, "hex": mark}
    assert (await first).value["old"] == mark
    assert [args["note"] for _, args, _ in world.link.sent] == [SECRET, new]
    assert SECRET not in _kept(world)


async def test_a_deleted_value_is_masked_while_a_run_may_still_carry_it(world: World) -> None:
    world.secret("token", SECRET)
    await act(world.services, world.run, world.call(note="{{secret.token}}"))
    secret = world.with_secret("token")
    world.change(lambda session: delete_secret(session, world.principal, secret))
    world.link.behave = lambda tool, args: f"still known: {SECRET}"
    outcome = await act(world.services, world.run, world.call("look_up", 2))
    assert outcome.value == "still known: {{secret.token}}"


async def test_forty_secrets_in_eight_encodings_come_back_masked(world: World) -> None:
    """In arguments that are repeated, in results, in the names of members and in errors; then in what was kept."""
    planted = {
        f"S_{number}": f"Pl@nted/{number:02d}+\"<x>&'{chr(0xE4 + number % 5)} ={number * 7919}" for number in range(40)
    }
    for name, value in planted.items():
        world.secret(name, value)
    world = world.with_body(secrets=list(planted), limits={"tool_calls": 500})
    number = 0
    for name, value in planted.items():
        echo = {form: f"({encode(value)})" for form, encode in FORMS.items()}
        world.link.behave = lambda tool, args, echo=echo: {"sent": args, "forms": echo}
        number += 1
        outcome = await act(world.services, world.run, world.call(number=number, note=f"Key {{{{secret.{name}}}}}"))
        mark = f"{{{{secret.{name}}}}}"
        assert outcome.value == {"sent": {"note": f"Key {mark}"}, "forms": dict.fromkeys(FORMS, f"({mark})")}
        for forms in (list(FORMS.values())[:4], list(FORMS.values())[4:]):
            text = " ".join(encode(value) for encode in forms)
            world.link.behave = lambda tool, args, text=text: faults.fault(faults.REJECTED, text)
            number += 1
            failed = await act(world.services, world.run, world.call("look_up", number, note=str(number)))
            assert failed.reason == "erp.look_up failed: " + " ".join([mark] * 4)
    kept = _kept(world)
    for value in planted.values():
        for form, encode in FORMS.items():
            assert encode(value) not in kept, form


async def test_a_value_of_an_outside_store_is_read_for_the_call_and_masked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = _with_outside_token(world, monkeypatch)
    world.link.behave = lambda tool, args: {"echo": args["note"] if args else SECRET}
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert world.link.sent[0][1] == {"note": SECRET}
    assert outcome.value == {"echo": "{{secret.token}}"}
    again = await act(world.services, world.run, world.call("look_up", 2))
    assert again.value == {"echo": "{{secret.token}}"}
    assert SECRET not in _kept(world)


@pytest.mark.parametrize("code", [faults.REJECTED, faults.UNREACHABLE])
async def test_a_value_of_an_outside_store_is_masked_in_every_attempt_that_failed(
    world: World, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Also the first time, when no mask of the environment knows it yet."""
    world = _with_outside_token(world, monkeypatch)
    world.link.behave = lambda tool, args: faults.fault(code, f"bad key {args['note']}")
    monkeypatch.setattr(retry, "_PAUSES_SECONDS", (0.0, 0.0))
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert world.link.sent[0][1] == {"note": SECRET}
    attempts = world.step(world.call().key).detail["attempts"]
    assert {attempt["error"] for attempt in attempts} == {"bad key {{secret.token}}"}
    assert SECRET not in _kept(world) + json.dumps(outcome.as_plain())


async def test_a_value_of_an_outside_store_is_masked_in_what_the_system_offers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that puts its login into a description: what is kept of the changed tool has it masked."""
    world = _with_outside_token(world, monkeypatch)
    config = {"command": "erp", "headers": {"Authorization": "Bearer {{secret.token}}"}}
    world.change(lambda session: session.execute(update(Connection).values(config=config)))
    there = _Telling()
    services = replace(world.services, pool=FakePool(there))
    outcome = await act(services, world.run, world.call(note="x"))
    assert (outcome.code, there.sent) == ("tool_changed", [])
    assert there.configs[0]["headers"] == {"Authorization": f"Bearer {SECRET}"}
    with world.store.read() as session:
        kept = session.scalars(select(Tool).where(Tool.name == "post_bill")).one()
    assert kept.offered is not None
    assert kept.offered["description"] == "I was sent Bearer {{secret.token}}"


async def test_a_store_that_fails_stops_the_call_with_a_reason(world: World) -> None:
    world = _with_sources(world)
    world.change(
        lambda session: create_secret(
            session, world.principal, world.services.vault, connection_id=world.connection_id, name="token",
            reference="env:SIGNOFF_VALUE_ACME_NONE", agents=[world.run.agent_id],
        )
    )  # fmt: skip
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert (outcome.kind, outcome.code) == ("failed", "secret_unresolved")
    assert "is not set in the environment" in (outcome.reason or "")
    assert world.link.sent == []


async def test_what_the_operator_takes_back_is_not_read_any_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no workspace refers to what another one was allowed."""
    monkeypatch.setenv("SIGNOFF_VALUE_ACME_TOKEN", SECRET)
    allowed = _with_sources(world)
    give: dict[str, Any] = {"connection_id": world.connection_id, "name": "token"}
    with pytest.raises(NotAllowed, match="secret_sources"), world.store.write() as session:
        create_secret(session, world.principal, world.services.vault, **give, reference="env:SIGNOFF_VALUE_ACME_TOKEN")
    with pytest.raises(NotAllowed), world.store.write() as session:
        create_secret(session, world.principal, allowed.services.vault, **give, reference="env:SIGNOFF_VALUE_OTHER")
    with world.store.write() as session:
        create_secret(
            session, world.principal, allowed.services.vault, **give, reference="env:SIGNOFF_VALUE_ACME_TOKEN",
            agents=[world.run.agent_id],
        )  # fmt: skip
    outcome = await act(world.services, world.run, world.call(note="{{secret.token}}"))
    assert (outcome.kind, outcome.code) == ("failed", "secret_unresolved")
    assert "do not let" in (outcome.reason or "")


def _with_sources(world: World) -> World:
    source = SecretSource(kind="env", workspace=world.run.workspace_id, prefix="SIGNOFF_VALUE_ACME_")
    vault = replace(world.services.vault, sources=(source,))
    return replace(world, services=replace(world.services, vault=vault))


def _with_outside_token(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world = _with_sources(world)
    monkeypatch.setenv("SIGNOFF_VALUE_ACME_TOKEN", SECRET)
    world.change(
        lambda session: create_secret(
            session, world.principal, world.services.vault, connection_id=world.connection_id, name="token",
            reference="env:SIGNOFF_VALUE_ACME_TOKEN", agents=[world.run.agent_id],
        )
    )  # fmt: skip
    return world


@dataclass
class _Telling(FakeLink):
    """Describes its tool with the login it was opened with."""

    async def offer(self, tool: str) -> ToolSpec | None:
        return ToolSpec(tool, f"I was sent {self.configs[-1]['headers']['Authorization']}", {"type": "object"})
