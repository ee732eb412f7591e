"""Calling the connector: repeats, time, size, health, and the fence."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.connectors import faults
from signoff.freezes.actions import order_freeze
from signoff.gateways.tool import acting
from signoff.gateways.tool.gateway import act
from signoff.gateways.tool.policies import retry
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection
from signoff.tables.watch import Alert
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_PAUSES_SECONDS", (0.001, 0.001))


async def test_a_run_revoked_while_it_waits_to_repeat_sends_nothing_more(world: World) -> None:
    def revoke(name: str, args: dict[str, Any]) -> Exception:
        world.change(lambda session: session.execute(update(Agent).values(state="disabled")))
        return faults.fault(faults.UNREACHABLE, "no")

    world.link.behave = revoke
    outcome = await act(world.services, world.run, world.call())
    assert (outcome.kind, outcome.code) == ("stopped", "agent_disabled")
    assert len(world.link.sent) == 1
    effect = world.effect(world.call().key)
    assert effect is not None
    assert effect.state == "failed"


def _freeze(world: World) -> None:
    world.change(lambda session: order_freeze(session, world.principal, scope="workspace", target_id=None, reason="x"))


@pytest.mark.parametrize(
    ("tool", "fault", "expected"),
    [
        # It was not carried out, and now it may not be.
        ("post_bill", faults.fault(faults.UNREACHABLE, "no"), ("failed", "frozen", "failed")),
        # It may be sent twice, so it would have been; now nobody knows about the first time.
        ("set_status", faults.unknown_outcome("no"), ("held", "outcome_unknown", "unknown")),
    ],
)
async def test_a_freeze_in_the_pause_before_a_repeat_stops_it(
    world: World, tool: str, fault: Exception, expected: tuple[str, str, str]
) -> None:
    world.link.behave = lambda name, args: _freeze(world) or fault
    outcome = await act(world.services, world.run, world.call(tool))
    effect = world.effect(world.call().key)
    assert effect is not None
    assert (outcome.kind, outcome.code, effect.state) == expected
    assert len(world.link.sent) == 1
    said = world.step(world.call().key).verdicts[-1]
    assert (said["policy"], said["kind"], said["code"]) == ("freeze", "deny", "frozen")


async def test_a_run_revoked_after_an_attempt_that_may_have_acted_leaves_a_question(world: World) -> None:
    def revoke(name: str, args: dict[str, Any]) -> Exception:
        world.change(lambda session: session.execute(update(Agent).values(state="disabled")))
        return faults.unknown_outcome("no")

    world.link.behave = revoke
    outcome = await act(world.services, world.run, world.call("set_status"))
    effect = world.effect(world.call().key)
    assert effect is not None
    assert (outcome.kind, outcome.code, effect.state) == ("stopped", "agent_disabled", "unknown")
    with world.store.read() as session:
        assert session.scalars(select(Alert.kind)).all() == ["effect_unknown"]


async def test_a_freeze_does_not_stop_the_repeat_of_a_read(world: World) -> None:
    answers: list[Any] = [faults.fault(faults.UNREACHABLE, "no"), 1]

    def frozen_at_first(name: str, args: dict[str, Any]) -> Any:
        if len(answers) == 2:
            _freeze(world)
        return answers.pop(0)

    world.link.behave = frozen_at_first
    assert (await act(world.services, world.run, world.call("look_up"))).value == 1


async def test_a_freeze_while_the_first_attempt_waits_stops_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "STALE_SECONDS", 0.0)
    asked = world.services.pool.link

    async def slow(*given: Any) -> Any:
        _freeze(world)
        return await asked(*given)

    monkeypatch.setattr(world.services.pool, "link", slow)
    outcome = await act(world.services, world.run, world.call())
    assert (outcome.kind, outcome.code, world.link.sent) == ("failed", "frozen", [])


async def test_a_process_that_may_not_act_waits_and_sends_nothing(world: World) -> None:
    answers = [False, False, True]
    asked: list[int] = []

    def may_act() -> bool:
        asked.append(len(world.link.sent))
        return answers.pop(0) if len(answers) > 1 else answers[0]

    fenced = replace(world, services=replace(world.services, may_act=may_act))
    assert (await act(fenced.services, fenced.run, fenced.call())).kind == "value"
    assert asked == [0, 0, 0]


async def test_a_connector_that_never_returns_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "_GRACE_SECONDS", 0.0)
    config = {"command": "erp", "timeout_seconds": 0.05}
    world.change(lambda session: session.execute(update(Connection).values(config=config)))
    world.link.behave = lambda name, args: asyncio.Event().wait()
    assert (await act(world.services, world.run, world.call())).kind == "held"
    assert (await act(world.services, world.run, world.call("look_up", number=2))).kind == "failed"


async def test_a_long_result_is_cut_with_a_mark(world: World) -> None:
    small = replace(
        world,
        services=replace(world.services, settings=world.settings.model_copy(update={"tool_result_chars_max": 100})),
    )
    world.link.behave = lambda name, args: {"rows": ["x" * 50] * 50}
    outcome = await act(small.services, small.run, small.call("look_up"))
    assert isinstance(outcome.value, str)
    assert "cut here" in outcome.value
    assert len(outcome.value) < 200
    assert world.step(world.call().key).detail["is_truncated"] is True


async def test_what_no_database_takes_is_made_storable(world: World) -> None:
    deep: Any = "end"
    for _ in range(500):
        deep = [deep]
    world.link.behave = lambda name, args: {"nul": "a\x00b", "half": "\ud83d", "nan": float("nan"), "deep": deep}
    outcome = await act(world.services, world.run, world.call("look_up"))
    assert outcome.kind == "value"
    assert "\x00" not in json.dumps(outcome.value)
    assert outcome.value["nan"] is None


async def test_a_connection_that_fails_is_marked_and_one_that_works_again_too(world: World) -> None:
    world.link.behave = lambda name, args: faults.fault(faults.SIGN_IN, "the token is expired")
    await act(world.services, world.run, world.call("look_up"))
    with world.store.read() as session:
        connection = session.get_one(Connection, world.connection_id)
        assert (connection.health, connection.last_error) == ("broken", "the token is expired")
    world.link.behave = lambda name, args: 1
    await act(world.services, world.run, world.call("look_up", number=2))
    with world.store.read() as session:
        assert session.get_one(Connection, world.connection_id).health == "ok"


async def test_outcomes_survive_their_record(world: World) -> None:
    for call in (world.call("look_up"), world.call("nope", number=2)):
        outcome = await act(world.services, world.run, call)
        assert outcome.from_plain(json.loads(json.dumps(outcome.as_plain()))) == outcome


async def test_arguments_that_are_no_json_do_no_harm(world: World) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    for number, args in enumerate(
        ({"amount": float("nan")}, {"note": "a\x00\ud83d"}, {"note": deep}, {"amount": 10**400})
    ):
        outcome = await act(world.services, world.run, replace(world.call(number=number), args=args))
        assert outcome.kind in ("value", "failed"), outcome
    assert all("\x00" not in json.dumps(sent) for sent in world.link.sent)
