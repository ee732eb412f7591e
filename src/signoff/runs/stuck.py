"""Runs that need a push, for the engine's sweeps: all workspaces, one bounded query each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import ColumnElement, and_, exists, select, update
from sqlalchemy.orm import Session

from signoff.agents.pauses import stands
from signoff.kit import clock
from signoff.record import trace
from signoff.runs.actions.moves import rows, tell_state
from signoff.runs.filters import NO_REHEARSAL
from signoff.runs.states import WaitingFor
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Leg, Run
from signoff.tables.stops import AgentPause

_BATCH = 200
_COMPLETED_MIN = 5
_COMPLETED_MAX = 100
_WAITS_FOR_WORKER = (Run.state.in_(("queued", "waiting")), Run.waiting_for.is_(None))


@dataclass(frozen=True, slots=True)
class LegFacts:
    """A leg that should be at work."""

    run_id: str
    leg: int
    agent_id: str
    started_at: datetime
    deadline_at: datetime | None


def due_to_resume(session: Session) -> list[tuple[str, int, WaitingFor]]:
    """Return runs whose time to go on has come: (run, leg that waits, what for)."""
    found = session.execute(
        select(Run.id, Run.leg, Run.waiting_for)
        .where(Run.state == "waiting", Run.resume_at <= clock.now(), Run.waiting_for.is_not(None))
        .order_by(Run.resume_at)
        .limit(_BATCH)
    )
    return [(row[0], row[1], cast("WaitingFor", row[2])) for row in found]


def legs_at_work(session: Session, *, longer_than_seconds: float, after: str = "") -> list[LegFacts]:
    """Return legs that began some time ago and have not ended, by run id, from `after` on."""
    found = session.execute(
        select(Run.id, Run.leg, Run.agent_id, Leg.started_at, Run.deadline_at)
        .join(Leg, (Leg.run_id == Run.id) & (Leg.number == Run.leg))
        .where(
            Run.state == "running",
            Run.id > after,
            Leg.started_at < clock.now() - timedelta(seconds=longer_than_seconds),
        )
        .order_by(Run.id)
        .limit(_BATCH)
    )
    return [LegFacts(*row) for row in found]


def waiting_for_worker(session: Session, *, older_than_seconds: float, after: str = "") -> list[tuple[str, str, int]]:
    """Return runs that wait for a worker: (workspace, run, leg), by run id, from `after` on."""
    before = clock.now() - timedelta(seconds=older_than_seconds)
    found = session.execute(
        select(Run.workspace_id, Run.id, Run.leg)
        .where(*_WAITS_FOR_WORKER, Run.id > after, Run.created_at < before, ~_is_held(clock.now()))
        .order_by(Run.id)
        .limit(_BATCH)
    )
    return [(row[0], row[1], row[2]) for row in found]


def _is_held(moment: datetime) -> ColumnElement[bool]:
    """Return the condition under which a run waits for its agent to be resumed, and not for a worker."""
    paused = exists().where(AgentPause.agent_id == Run.agent_id, stands(moment))
    return and_(Run.state == "queued", Run.origin == "production", Run.mode == "live", paused)


def queued_of(session: Session, agent_id: str, *, limit: int = 1_000) -> list[tuple[str, str, int]]:
    """Return an agent's runs that have not begun, oldest first: (workspace, run, leg)."""
    found = session.execute(
        select(Run.workspace_id, Run.id, Run.leg)
        .where(Run.agent_id == agent_id, Run.state == "queued")
        .order_by(Run.id)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in found]


def spoken_of(session: Session, run_ids: Sequence[str], *, start_kind: str) -> set[str]:
    """Return which of these runs a message still asks to start: their queue is merely long."""
    of_run = OutboxMessage.payload["run_id"].as_string()
    found = session.scalars(
        select(of_run).where(OutboxMessage.done_at.is_(None), OutboxMessage.kind == start_kind, of_run.in_(run_ids))
    )
    return set(found)


def waits_for_worker(session: Session, run_id: str, leg: int) -> bool:
    """Return whether this leg has not begun. True holds until the transaction ends."""
    trace.take_turn(session, run_id)
    return session.scalar(select(Run.id).where(*_WAITS_FOR_WORKER, Run.id == run_id, Run.leg == leg)) is not None


def usual_seconds(session: Session, agent_id: str) -> float | None:
    """Return the median duration of the agent's last completed runs; None when there are fewer than five. A
    rehearsal, which is answered from the record, is over sooner than any of them."""
    found = session.execute(
        select(Run.started_at, Run.ended_at)
        .where(Run.agent_id == agent_id, Run.state == "completed", NO_REHEARSAL)
        .order_by(Run.id.desc())
        .limit(_COMPLETED_MAX)
    )
    seconds = sorted(
        (until - since).total_seconds() for since, until in found if since is not None and until is not None
    )
    return seconds[len(seconds) // 2] if len(seconds) >= _COMPLETED_MIN else None


def call_off(session: Session, run_id: str, *, code: str, reason: str) -> bool:
    """Ask the process that works on a run to end it. False when it is not running or was asked already."""
    asked = session.execute(
        update(Run)
        .where(Run.id == run_id, Run.state == "running", Run.is_cancel_requested.is_(False))
        .values(is_cancel_requested=True, code=code, reason=reason)
        .execution_options(synchronize_session=False)
    )
    if rows(asked) != 1:
        return False
    run = session.get(Run, run_id, populate_existing=True)
    if run is not None:
        tell_state(session, run)
    return True


def finished_messages(session: Session, *, older_than_seconds: float) -> Sequence[str]:
    """Return outbox messages that were acted on long ago."""
    before = clock.now() - timedelta(seconds=older_than_seconds)
    return session.scalars(
        select(OutboxMessage.id).where(OutboxMessage.done_at < before).order_by(OutboxMessage.done_at).limit(1_000)
    ).all()
