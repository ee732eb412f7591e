"""The end of a leg: its last messages, its run's next state, the audit and the events, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, select
from sqlalchemy.orm import Session

from signoff.approvals.actions import withdraw_for_run
from signoff.budgets.actions import settle_left_over
from signoff.engine import messages as conversation
from signoff.engine.loop import LegEnd
from signoff.gateways.masking import Masking
from signoff.kit import clock
from signoff.kit.text import storable
from signoff.runs import actions
from signoff.runs.facts import RunContext
from signoff.runs.holds import Hold, first_kind
from signoff.runs.signals import recount
from signoff.runs.states import is_over
from signoff.runs.waits import waiting_words
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run, RunEvent

_OUTAGE_PAUSE_SECONDS = 60
_FORGET_TEXT = Prepared(
    delete(cast("Table", RunEvent.__table__)).where(RunEvent.run_id == bindparam("of_run"), RunEvent.kind == "text")
)
_STATE = Prepared(select(Run.state).where(Run.id == bindparam("of_run")))


def finish(session: Session, masking: Masking, context: RunContext, end: LegEnd, *, saved: int, worker: str) -> str:
    """End the leg as `end` says, unless it is somebody else's or over. Returns the run's state now."""
    leg_state = {"completed": "completed", "stopped": "stopped"}.get(end.kind, "waiting")
    if not actions.end_leg(session, context.run_id, context.leg, state=leg_state, worker=worker, holds=end.holds):
        run = session.get(Run, context.run_id)
        return run.state if run else "gone"
    redactor = masking.redactor(session, context.environment_id)
    conversation.save(session, redactor, context, first=saved, messages=end.unsaved)
    # The text is in the steps now; its pieces were for those who watched.
    _FORGET_TEXT.run(session, {"of_run": context.run_id})
    is_last = end.kind in ("completed", "stopped")
    if is_last:
        # What a call that was cut off still holds may well be billed, and must not stay held for the day. Before the
        # run is over, so that whoever hears of its end hears what it cost.
        settle_left_over(session, context.run_id)
    _move(session, context, end)
    state = str(_STATE.scalar(session, {"of_run": context.run_id}))
    if is_over(state) and not is_last:
        # Somebody ended the run while its leg ended otherwise.
        settle_late(session, context.run_id)
        if state != "completed":
            withdraw_for_run(session, context.run_id, reason=f"its run is {state}")
    if state == "waiting" and context.depth and actions.end_if_called_off(session, context.run_id):
        # What it works for ended while its leg did.
        withdraw_for_run(session, context.run_id, reason="its run was called off")
        return "cancelled"
    if end.kind == "held":
        # Somebody may have answered before the leg had ended.
        run = session.get_one(Run, context.run_id, populate_existing=True)
        actions.resume_when_answered(session, run)
        return run.state
    return state


def settle_late(session: Session, run_id: str) -> None:
    """Book what a run that has ended already still holds, on the run and on its signal."""
    if settle_left_over(session, run_id):
        recount(session, run_id)


def _move(session: Session, context: RunContext, end: LegEnd) -> None:
    run_id, leg, by = context.run_id, context.leg, context.actor
    if end.kind == "completed":
        actions.complete_run(
            session, run_id, leg, by=by, output=_storable(end.output), code=end.code or None, reason=end.reason or None
        )
    elif end.kind == "held":
        _wait(session, context, end.holds)
    elif end.kind == "waits":
        resume_at = datetime.fromisoformat(end.resume_at) if end.resume_at else None
        actions.wait_run(
            session, run_id, leg, by=by, waiting_for="provider", code=end.code, reason=end.reason,
            resume_at=resume_at or clock.now() + timedelta(seconds=_OUTAGE_PAUSE_SECONDS),
        )  # fmt: skip
    elif end.stop is not None and end.stop.state == "cancelled":
        # Who asked for it, and why, stands on the run; the call it interrupted may only know that it was asked for.
        run = session.get_one(Run, run_id, populate_existing=True)
        code, reason = run.code or end.stop.code, run.reason or end.stop.reason
        actions.end_cancelled(session, run_id, leg, by=by, code=code, reason=reason)
    elif end.stop is not None:
        actions.fail_run(
            session, run_id, leg, by=by, code=end.stop.code, reason=end.stop.reason, failed_step=end.failed_step
        )


def _wait(session: Session, context: RunContext, holds: Sequence[Hold]) -> None:
    kind = first_kind(holds)
    number = sum(1 for hold in holds if hold.kind == kind)
    # What only waits for its time is looked at again in any case, once the people have answered.
    times = [hold.until for hold in holds if hold.until is not None]
    code, reason = waiting_words(kind, number)
    actions.wait_run(
        session, context.run_id, context.leg, by=context.actor, waiting_for=kind, code=code,
        reason=reason, resume_at=min(times, default=None) if kind == "window" else None,
    )  # fmt: skip


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _storable(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [_storable(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value
