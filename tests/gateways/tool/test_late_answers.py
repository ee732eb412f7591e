"""An answer that comes after its act was cut off: ledger and trace agree, and what a person said stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.connectors import faults
from signoff.gateways.tool.call import ToolOutcome
from signoff.gateways.tool.gateway import act
from signoff.kit import clock
from signoff.runs import actions
from signoff.runs.holds import Hold
from signoff.tables.record import AuditRow
from signoff.tables.runs import Leg, Run
from signoff.tables.watch import Alert
from tests.gateways.kit_world import World


@dataclass
class Slow:
    """An act under way outside, whose answer the test lets come."""

    world: World
    call: asyncio.Task[ToolOutcome]
    answer: list[Any]
    comes: asyncio.Event = field(default_factory=asyncio.Event)

    async def answered(self, answer: Any) -> ToolOutcome:
        self.answer.append(answer)
        self.comes.set()
        return await self.call

    @property
    def key(self) -> str:
        return self.world.call().key

    @property
    def ledger(self) -> tuple[str, str | None]:
        effect = self.world.effect(self.key)
        assert effect is not None
        return effect.state, effect.settlement


@pytest.fixture
async def slow(world: World) -> AsyncGenerator[Slow]:
    """The call has been sent, and its answer has not come."""
    sent, answer = asyncio.Event(), list[Any]()

    async def behave() -> Any:
        sent.set()
        await made.comes.wait()
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]

    world.change(_begin_leg(world))
    world.link.behave = lambda tool, args: behave()
    made = Slow(world, asyncio.create_task(act(world.services, world.run, world.call(amount=1))), answer)
    await sent.wait()
    yield made
    made.call.cancel()
    await asyncio.gather(made.call, return_exceptions=True)


def _begin_leg(world: World) -> Any:
    run = world.run
    return lambda session: session.add(
        Leg(
            run_id=run.run_id, number=1, workspace_id=run.workspace_id, state="running", worker="w", holds=[],
            started_at=clock.now(),
        )
    )  # fmt: skip


def _cut_off(session: Session, world: World) -> None:
    """End the run as a deadline would, with the call still out."""
    assert actions.end_leg(session, world.run.run_id, 1, state="stopped", worker=None)
    session.execute(update(Run).values(state="failed", code="deadline_passed"))


def _settle(world: World, outcome: Any) -> None:
    key = world.call().key
    world.change(
        lambda session: actions.settle_effect(session, world.principal, key, outcome=outcome, reason="Looked.")
    )


def _alerts(world: World) -> list[str]:
    with world.store.read() as session:
        return list(session.scalars(select(Alert.kind)))


def _late(world: World) -> list[dict[str, Any]]:
    with world.store.read() as session:
        rows = session.scalars(select(AuditRow.detail).where(AuditRow.action == "effect.answered_late"))
        return list(rows)


@pytest.mark.parametrize(
    ("answer", "state"), [({"bill": 7}, "done"), (faults.fault(faults.REJECTED, "No such supplier."), "failed")]
)
async def test_the_ledger_takes_the_late_answer_with_the_step(slow: Slow, answer: Any, state: str) -> None:
    slow.world.change(lambda session: _cut_off(session, slow.world))
    assert slow.ledger == ("unknown", None)
    await slow.answered(answer)
    assert slow.ledger == (state, None)
    assert slow.world.step(slow.key).state == ("completed" if state == "done" else "failed")


async def test_what_a_person_said_stands_and_the_late_answer_is_kept(slow: Slow) -> None:
    slow.world.change(lambda session: _cut_off(session, slow.world))
    _settle(slow.world, "happened")
    await slow.answered({"bill": 7})
    assert slow.ledger == ("settled", "happened")
    assert slow.world.step(slow.key).detail["late_answer"] == {"state": "done", "value": {"bill": 7}, "reason": None}
    assert [(detail["answer"], detail["settlement"]) for detail in _late(slow.world)] == [("done", "happened")]
    assert "effect_contradicted" not in _alerts(slow.world)


async def test_a_late_answer_against_what_a_person_said_is_told(slow: Slow) -> None:
    slow.world.change(lambda session: _cut_off(session, slow.world))
    _settle(slow.world, "did_not_happen")
    await slow.answered({"bill": 7})
    assert slow.ledger == ("settled", "did_not_happen")
    assert _alerts(slow.world) == ["effect_contradicted"]


async def test_a_late_answer_is_not_taken_for_that_of_the_repeat_a_person_asked_for(slow: Slow) -> None:
    world = slow.world
    world.change(lambda session: _cut_off(session, world))
    _settle(world, "did_not_happen_retry")
    world.change(lambda session: session.execute(update(Run).values(state="running")))
    again, goes = asyncio.Event(), asyncio.Event()

    async def behave() -> Any:
        again.set()
        await goes.wait()
        return {"bill": 8}

    world.link.behave = lambda tool, args: behave()
    repeat = asyncio.create_task(act(world.services, world.run, world.call(amount=1)))
    await again.wait()
    await slow.answered({"bill": 7})
    assert slow.ledger == ("intended", None)
    assert _alerts(world) == ["effect_contradicted"]
    goes.set()
    await repeat
    effect = world.effect(slow.key)
    assert effect is not None
    assert (effect.state, effect.result) == ("done", {"value": {"bill": 8}, "is_error": False})


async def test_a_run_that_waits_for_a_person_goes_on_with_the_late_answer(slow: Slow) -> None:
    """Another worker took the run up, did not repeat the act, and asked a person; then the first one's answer came."""
    world = slow.world
    taken_up = await act(world.services, world.run, world.call(amount=1))
    assert (taken_up.kind, slow.ledger) == ("held", ("unknown", None))

    def hold(session: Session) -> None:
        run = world.run
        assert actions.end_leg(
            session, run.run_id, 1, state="waiting", worker=None, holds=[Hold(world.call().call_id, "reconciliation")]
        )
        actions.wait_run(
            session, run.run_id, 1, by=run.actor, waiting_for="reconciliation", code="needs_reconciliation", reason="?"
        )

    world.change(hold)
    await slow.answered({"bill": 7})
    row = world.row()
    assert (slow.ledger, row.state, row.waiting_for, row.leg) == (("done", None), "waiting", None, 2)


async def test_that_nothing_was_done_does_not_answer_for_an_attempt_beside_it(slow: Slow) -> None:
    world = slow.world
    assert (await act(world.services, world.run, world.call(amount=1))).kind == "held"
    await slow.answered(faults.fault(faults.REJECTED, "No such supplier."))
    assert slow.ledger == ("unknown", None)
    assert world.step(slow.key).detail["late_answer"]["state"] == "failed"
