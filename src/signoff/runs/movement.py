"""Whether the queue moves: what waits, when the last run was taken from it, and how much is at work. All workspaces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.runs.actions import START
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run


@dataclass(frozen=True, slots=True)
class Movement:
    """The queue at one moment.

    Args:
        waited_seconds: how long the longest-waiting leg that may start has waited; 0 when none waits. A run of a paused
            agent may not start, so it does not count.
        still_seconds: how long ago a leg was last taken from the queue; None when none was within the last day.
        running: runs at work now.
    """

    waited_seconds: float
    still_seconds: float | None
    running: int


def movement(session: Session) -> Movement:
    """Return how the queue moves. Each part of it is one step into an index."""
    moment = clock.now()
    waiting = [due for due in (_oldest_due(session, moment, claimed) for claimed in (False, True)) if due is not None]
    taken = session.scalar(
        select(OutboxMessage.done_at)
        .where(OutboxMessage.done_at.is_not(None), OutboxMessage.kind == START)
        .order_by(OutboxMessage.done_at.desc())
        .limit(1)
    )
    running = session.scalar(select(func.count()).select_from(Run).where(Run.state == "running")) or 0
    waited = (moment - min(waiting)).total_seconds() if waiting else 0.0
    still = None if taken is None else max((moment - taken).total_seconds(), 0.0)
    return Movement(max(waited, 0.0), still, running)


def _oldest_due(session: Session, moment: datetime, claimed: bool) -> datetime | None:
    held: ColumnElement[bool] = OutboxMessage.claimed_by.is_(None)
    if claimed:
        held = OutboxMessage.claimed_by.is_not(None)
    return session.scalar(
        select(OutboxMessage.due_at)
        .where(OutboxMessage.done_at.is_(None), held, OutboxMessage.due_at <= moment, OutboxMessage.kind == START)
        .order_by(OutboxMessage.due_at)
        .limit(1)
    )


def standstill(found: Movement, *, seconds_max: float, places: int) -> str | None:
    """Return in words that the queue stands still; None while it moves, or is only long.

    Args:
        seconds_max: how long work may wait while none is begun.
        places: how many runs the living workers can carry at once; all of them taken is no standstill.
    """
    is_still = found.still_seconds is None or found.still_seconds > seconds_max
    if found.waited_seconds <= seconds_max or not is_still or (places and found.running >= places):
        return None
    who = f"workers have room for {places} and carry {found.running}" if places else "no worker is alive"
    return f"stands still: the oldest run has waited {found.waited_seconds:.0f} seconds, and {who}"
