"""The one way a run changes its state: a conditional update, an event for its watchers, an audit row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache
from typing import Any, cast

from sqlalchemy import CursorResult, Table, and_, bindparam, func, or_, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.money import as_text
from signoff.kit.text import shortened, storable
from signoff.record import audit, happenings, outbox, trace
from signoff.record.actor import Actor
from signoff.record.alarms import RUN_FAILED, ask_to_tell
from signoff.runs.signals import is_error_code, write_signal
from signoff.runs.states import REHEARSALS, SIGNALLED, RunState, is_over, is_rehearsal, needs_attention, sources_of
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

REASON_CHARS = 2_000
# A shadow is over: above, it is compared with the run whose input it had.
SHADOW_ENDED = "run.shadow_ended"
# A run on an example is over: above, it is scored.
EVALUATION_ENDED = "run.evaluation_ended"
# A run that another one asked for is over: that one may go on. One that asked for others is over: so are they.
CHILD_ENDED = "run.child_ended"
PARENT_ENDED = "run.parent_ended"
_RUNS = cast("Table", Run.__table__)
_EVENTS: Mapping[str, happenings.Event] = {
    "waiting": "run.waiting", "completed": "run.completed", "failed": "run.failed", "cancelled": "run.cancelled",
    "rejected": "run.rejected",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """A run that has just changed its state: what its watchers are told, and what its next step needs."""

    id: str
    workspace_id: str
    agent_id: str
    environment_id: str
    state: str
    leg: int
    waiting_for: str | None
    code: str | None
    reason: str | None
    revision_id: str
    cost_usd: Decimal
    input: Any
    output: Any
    mode: str
    origin: str
    variant: str | None
    parent_run_id: str | None
    child_runs: int


_TOLD = tuple(_RUNS.c[field.name] for field in fields(Moved))


def move(
    session: Session,
    run_id: str,
    after: RunState,
    *,
    by: Actor,
    leg: int | None = None,
    before: tuple[RunState, ...] = (),
    is_audited: bool = True,
    values: Mapping[str, Any],
) -> Moved | None:
    """Move a run to `after` from any state that leads there, or only from those in `before`; and only in leg `leg`.

    Returns the run as it is now, or None when somebody was first: then nothing was changed. A run begins to run only
    when it waits for nothing any more, and keeps the moment at which it first did.
    """
    asks = needs_attention(after, values.get("waiting_for"))
    changes: dict[str, Any] = {**values, "state": after, "needs_attention": asks}
    if is_over(after):
        changes |= {"ended_at": clock.now(), "waiting_for": None, "resume_at": None}
    if changes.get("reason"):
        changes["reason"] = shortened(storable(changes["reason"]), REASON_CHARS)
    statement = _statement(after, before or sources_of(after), leg is not None, tuple(sorted(changes)))
    of = {"of_run": run_id} if leg is None else {"of_run": run_id, "of_leg": leg}
    changed = statement.first(session, {**of, **{f"to_{name}": value for name, value in changes.items()}})
    if changed is None:
        return None
    run = Moved(*changed)
    if after in SIGNALLED:
        write_signal(session, run.id)
    _tell(session, run)
    if is_over(run.state):
        for kind in told_of_its_end(run.mode, run.parent_run_id, run.child_runs):
            outbox.send(session, workspace_id=run.workspace_id, kind=kind, payload={"run_id": run.id})
    tell_event(session, run)
    _tell_people(session, run)
    if is_audited:
        audit.write(
            session, workspace_id=run.workspace_id, actor=by, action=f"run.{after}", object_kind="run",
            object_id=run.id, run_id=run.id, revision_id=run.revision_id,
            detail=_without_none({"code": run.code, "leg": run.leg, "waiting_for": run.waiting_for}),
        )  # fmt: skip
    return run


@cache
def _statement(after: RunState, before: tuple[RunState, ...], has_leg: bool, names: tuple[str, ...]) -> Prepared:
    """Return the one update of a kind of move. There are few kinds, and building one costs more than running it."""
    values: dict[str, Any] = {name: bindparam(f"to_{name}", type_=_RUNS.c[name].type) for name in names}
    # Nobody is asked to look at a rehearsal: its release or evaluation says what came of it. Nor at the failure of a
    # run that another one asked for: that one is told, and deals with it.
    values["needs_attention"] = and_(values["needs_attention"], *(_RUNS.c.mode != one for one in REHEARSALS))
    if after == "failed":
        values["needs_attention"] = and_(values["needs_attention"], _RUNS.c.parent_run_id.is_(None))
    if "started_at" in values:
        values["started_at"] = func.coalesce(_RUNS.c.started_at, values["started_at"])
    conditions = [_RUNS.c.id == bindparam("of_run"), or_(*(_RUNS.c.state == state for state in before))]
    if has_leg:
        conditions.append(_RUNS.c.leg == bindparam("of_leg"))
    if after == "running":
        conditions.append(_RUNS.c.waiting_for.is_(None))
    return Prepared(update(_RUNS).where(*conditions).values(values).returning(*_TOLD))


def told_of_its_end(mode: str, parent_run_id: str | None, child_runs: int) -> list[str]:
    """Return the messages that a run leaves which is over, for whatever follows from that above."""
    follows = (
        (SHADOW_ENDED, mode == "shadow" and parent_run_id is None),
        (EVALUATION_ENDED, mode == "evaluation" and parent_run_id is None),
        (CHILD_ENDED, parent_run_id is not None),
        (PARENT_ENDED, child_runs > 0),
    )
    return [kind for kind, is_told in follows if is_told]


def tell_event(session: Session, run: Run | Moved) -> None:
    """Have it told outside that a run waits, or is over. A rehearsal is told of nowhere."""
    event = _EVENTS.get(run.state)
    if event is None or is_rehearsal(run.mode):
        return
    happenings.tell(
        session, run.workspace_id, event, about=run.id, agent_id=run.agent_id, environment_id=run.environment_id,
        facts={
            "state": run.state, "code": run.code, "waiting_for": run.waiting_for, "origin": run.origin,
            "mode": run.mode, "revision": run.revision_id, "parent": run.parent_run_id,
        },
    )  # fmt: skip


def _tell_people(session: Session, run: Moved) -> None:
    """Have whoever answers for an agent told that a run of it failed in earnest; a "no" of somebody is no failure."""
    is_in_earnest = (run.origin, run.mode, run.parent_run_id) == ("production", "live", None)
    if run.state != "failed" or not is_in_earnest or not is_error_code(run.code):
        return
    key = f"{RUN_FAILED}:{run.agent_id}:{run.environment_id}"
    ask_to_tell(session, run.workspace_id, key=key, kind=RUN_FAILED, about=run.id, agent_id=run.agent_id)


def _tell(session: Session, run: Moved) -> None:
    tell_state(session, run)
    if is_over(run.state):
        data = {
            "id": run.id, "state": run.state, "code": run.code, "reason": run.reason,
            "cost_usd": as_text(run.cost_usd), "output": run.output,
        }  # fmt: skip
        trace.emit(
            session, run.id, "done" if run.state == "completed" else "error", data, workspace_id=run.workspace_id
        )


def tell_state(session: Session, run: Run | Moved) -> None:
    """Tell watchers the state a run is in now."""
    data = {"state": run.state, "leg": run.leg, "waiting_for": run.waiting_for, "code": run.code, "reason": run.reason}
    trace.emit(session, run.id, "run", _without_none(data), workspace_id=run.workspace_id)


def rows(result: Any) -> int:
    """Return how many rows an update changed."""
    return result.rowcount if isinstance(result, CursorResult) else 0


def _without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value is not None}
