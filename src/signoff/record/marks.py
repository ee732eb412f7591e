"""Marks: a pause, a freeze or a stop that every worker looks for, so that the time until all knew of it is measured.

The orders themselves hold from their commit on, because every start and every call reads them. A mark tells how long it
took until each worker had looked once after that, which is the longest that anything begun before could go on unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.stops import StopMark, StopSighting
from signoff.tables.upsert import insert_into

# Whoever was away longer than this looks with the call it makes next, and is no measure.
_LOOKED_FOR_SECONDS = 120.0
_MARKS_MAX = 200


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an order got: how many workers knew of it, and after how many seconds the last of them did."""

    workers: int = 0
    seconds: float | None = None


def set_mark(session: Session, workspace_id: str, mark_id: str, moment: datetime) -> None:
    """Have every worker note when it knew of the order `mark_id`."""
    session.add(StopMark(id=mark_id, workspace_id=workspace_id, ordered_at=moment))
    session.flush()


def unseen(session: Session, worker: str) -> list[tuple[str, str]]:
    """Return the fresh marks that a worker has not noted: (mark, workspace)."""
    since = clock.now() - timedelta(seconds=_LOOKED_FOR_SECONDS)
    rows = session.execute(
        select(StopMark.id, StopMark.workspace_id)
        .outerjoin(StopSighting, and_(StopSighting.mark_id == StopMark.id, StopSighting.worker == worker))
        .where(StopMark.ordered_at >= since, StopSighting.mark_id.is_(None))
        .order_by(StopMark.ordered_at)
        .limit(_MARKS_MAX)
    )
    return [(row[0], row[1]) for row in rows]


def note_seen(session: Session, worker: str, marks: list[tuple[str, str]]) -> None:
    """Note that a worker knows of these orders."""
    for mark_id, workspace_id in marks:
        values = {"mark_id": mark_id, "worker": worker, "workspace_id": workspace_id, "seen_at": clock.now()}
        session.execute(insert_into(session, StopSighting).values(**values).on_conflict_do_nothing())


def sightings_of(session: Session, mark_id: str) -> list[tuple[str, float]]:
    """Return which workers know of an order and after how many seconds each did, the first first; at most 200."""
    rows = session.execute(
        select(StopSighting.worker, StopSighting.seen_at, StopMark.ordered_at)
        .join(StopMark, StopMark.id == StopSighting.mark_id)
        .where(StopSighting.mark_id == mark_id)
        .order_by(StopSighting.seen_at, StopSighting.worker)
        .limit(_MARKS_MAX)
    )
    return [(row[0], max((row[1] - row[2]).total_seconds(), 0.0)) for row in rows]


def reach_of(session: Session, mark_ids: list[str]) -> dict[str, Reach]:
    """Return how far each order got."""
    rows = session.execute(
        select(StopMark.id, StopMark.ordered_at, func.count(), func.max(StopSighting.seen_at))
        .join(StopSighting, StopSighting.mark_id == StopMark.id)
        .where(StopMark.id.in_(mark_ids))
        .group_by(StopMark.id, StopMark.ordered_at)
    )
    return {row[0]: Reach(row[2], max((row[3] - row[1]).total_seconds(), 0.0)) for row in rows}
