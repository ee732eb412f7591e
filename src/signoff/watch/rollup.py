"""Sums of signals by the hour: rolled up once an hour is over, and read live until then.

Not by an upsert where a run ends: on Postgres the row of the hour would be locked until that transaction commits, and
the ends of an agent's runs would wait for each other. A sum is made from the signals and never added to, so an hour
that is rolled up twice, or by two processes at once, is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, func, select, type_coerce
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.base import Moment
from signoff.tables.people import Workspace
from signoff.tables.signals import Signal, SignalHour
from signoff.tables.upsert import insert_into

HOUR = timedelta(hours=1)
# So long after its end an hour is rolled up: by then every transaction that began in it is over.
GRACE = timedelta(minutes=5)
PAGE = 200
_signals = cast("Table", Signal.__table__)
_hours = cast("Table", SignalHour.__table__)
KEYS = ("agent_id", "environment_id", "hour", "revision_id", "variant", "origin")


@dataclass(frozen=True, slots=True)
class Due:
    """A workspace with hours that are over and not summed, and from when on."""

    workspace_id: str
    since: datetime | None


def sums(dialect: str, *bounds: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Return the statement that sums signals within bounds by hour, revision, variant and origin."""
    one = _signals.c
    if dialect == "postgresql":
        hour: Any = func.date_trunc("hour", one.ended_at, "UTC")
    else:
        # As SQLAlchemy writes a moment.
        hour = func.strftime("%Y-%m-%d %H:00:00.000000", one.ended_at)
    keys = [
        one.agent_id, one.environment_id, type_coerce(hour, Moment).label("hour"), one.revision_id, one.variant,
        one.origin, one.workspace_id,
    ]  # fmt: skip
    counted = func.count()
    values: dict[str, Any] = {
        "runs": counted,
        **{state: counted.filter(one.status == state) for state in ("completed", "failed", "cancelled")},
        "errors": counted.filter(one.is_error),
        "needed_input": counted.filter(one.needed_input),
        **{
            name: func.sum(one[name])
            for name in ("approvals_asked", "approvals_denied", "tool_calls", "tokens", "cost_usd", "duration_seconds")
        },
        "duration_squares": func.sum(one.duration_seconds * one.duration_seconds),
    }
    return (
        select(*keys, *(value.label(name) for name, value in values.items()))
        .where(*bounds)
        .group_by(one.agent_id, one.environment_id, hour, one.revision_id, one.variant, one.origin, one.workspace_id)
    )


def last_due(now: datetime) -> datetime:
    """Return the end of the last hour that may be rolled up at a moment."""
    return (now - GRACE).replace(minute=0, second=0, microsecond=0)


def due(session: Session, now: datetime, *, after: str = "") -> list[Due]:
    """Return the workspaces, in order of their ids, with something to roll up; at most 200. For the engine."""
    until = last_due(now)
    newest = select(func.max(SignalHour.hour)).where(SignalHour.workspace_id == Workspace.id).scalar_subquery()
    ended = (
        select(func.max(Signal.ended_at))
        .where(Signal.workspace_id == Workspace.id, Signal.ended_at < until)
        .scalar_subquery()
    )
    inner = select(
        Workspace.id.label("id"), newest.label("newest"), ended.label("ended")
    ).where(Workspace.id > after).subquery()  # fmt: skip
    rows = session.execute(
        select(inner.c.id, inner.c.newest, inner.c.ended).where(inner.c.ended.is_not(None)).order_by(inner.c.id)
    )
    found = [Due(row.id, row.newest) for row in rows if row.newest is None or row.ended >= row.newest + HOUR]
    return found[:PAGE]


def roll_up(session: Session, workspace: Due, now: datetime) -> None:
    """Sum the hours of a workspace that are over, and the last summed one again."""
    bounds = [_signals.c.workspace_id == workspace.workspace_id, _signals.c.ended_at < last_due(now)]
    if workspace.since is not None:
        bounds.append(_signals.c.ended_at >= workspace.since)
    rows = sums(session.get_bind().dialect.name, *bounds)
    names = [str(column.key) for column in rows.selected_columns]
    writing = insert_into(session, _hours).from_select(names, rows, include_defaults=False)
    again = {name: writing.excluded[name] for name in names if name not in KEYS}
    session.execute(writing.on_conflict_do_update(index_elements=list(KEYS), set_=again))


def summed_until(session: Session, workspace_id: str) -> datetime | None:
    """Return the end of the last hour that was rolled up; what ended later is read live."""
    newest = session.scalar(select(func.max(SignalHour.hour)).where(SignalHour.workspace_id == workspace_id))
    return newest + HOUR if newest is not None else None


class Rolling:
    """What one process remembers, so that it looks once an hour and not with every sweep."""

    def __init__(self) -> None:
        self._done_until: datetime | None = None

    def is_due(self) -> bool:
        """Return whether an hour has ended since it was last done."""
        return self._done_until is None or last_due(clock.now()) > self._done_until

    def done(self, until: datetime) -> None:
        """Remember that everything before `until` is done."""
        self._done_until = until
