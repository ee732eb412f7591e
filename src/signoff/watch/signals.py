"""What signals say of an agent, hour by hour. They are written by `runs/signals.py`, where a run ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.people.access import Principal
from signoff.runs.states import Origin, Variant
from signoff.tables.agents import Revision
from signoff.tables.people import Environment
from signoff.tables.signals import Signal, SignalHour
from signoff.watch.rollup import summed_until, sums

HOURS_MAX = 31 * 24
ROWS_MAX = 5_000
_USUAL_HOURS = 24


@dataclass(frozen=True, slots=True)
class HourOfSignals:
    """The runs that ended in one hour, of one revision in one environment, as one variant, of one origin.

    `duration_seconds` is the sum, `duration_squares` the sum of squares: mean and spread follow from both. Time is from
    the start of a run to its end, and what it waited counts.
    """

    hour: datetime
    environment: str
    revision_id: str
    revision_number: int
    variant: str
    origin: str
    runs: int
    completed: int
    failed: int
    cancelled: int
    errors: int
    needed_input: int
    approvals_asked: int
    approvals_denied: int
    tool_calls: int
    tokens: int
    cost_usd: Decimal
    duration_seconds: float
    duration_squares: float


@dataclass(frozen=True, slots=True)
class HoursOfSignals:
    """Newest first. `is_cut`: there was more than is given; ask for a shorter time."""

    since: datetime
    until: datetime
    hours: list[HourOfSignals]
    is_cut: bool


def hours_of(
    session: Session,
    viewer: Principal,
    agent: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    environment: str | None = None,
    revision: int | None = None,
    variant: Variant | None = None,
    origin: Origin | None = None,
) -> HoursOfSignals:
    """Return the sums of an agent's finished runs; the last 24 hours unless said, at most 31 days.

    Raises:
        NotFound, NotAllowed: there is no such agent here, or the viewer may not read it.
        Malformed: the time is none, or too long.
    """
    found = agent_for(session, viewer, agent, "agent.read")
    to = until or clock.now()
    start = (since or to - timedelta(hours=_USUAL_HOURS)).replace(minute=0, second=0, microsecond=0)
    if not timedelta(0) < to - start <= timedelta(hours=HOURS_MAX + 1):
        words = f"from a moment to a later one, at most {HOURS_MAX // 24} days"
        raise Malformed(f"The time is {words}.", errors={"since": [words]})

    def bounds(table: Any) -> list[ColumnElement[bool]]:
        kept = [table.agent_id == found.id]
        if viewer.environment_id:
            kept.append(table.environment_id == viewer.environment_id)
        if environment is not None:
            here = select(Environment.id).where(
                Environment.workspace_id == found.workspace_id, Environment.slug == environment
            )
            kept.append(table.environment_id == here.scalar_subquery())
        if revision is not None:
            number = select(Revision.id).where(Revision.agent_id == found.id, Revision.number == revision)
            kept.append(table.revision_id == number.scalar_subquery())
        if variant is not None:
            kept.append(table.variant == variant)
        if origin is not None:
            kept.append(table.origin == origin)
        return kept

    # Read first: what is rolled up meanwhile is then read live, and nothing is counted twice or left out.
    summed = summed_until(session, found.workspace_id) or start
    kept = select(SignalHour.__table__).where(
        *bounds(SignalHour), SignalHour.hour >= start, SignalHour.hour < min(to, summed)
    )
    live = sums(
        session.get_bind().dialect.name, *bounds(Signal), Signal.workspace_id == found.workspace_id,
        Signal.ended_at >= max(start, summed), Signal.ended_at < to,
    )  # fmt: skip
    rows = [*session.execute(live.limit(ROWS_MAX + 1)).mappings()]
    rows += session.execute(kept.order_by(SignalHour.hour.desc()).limit(ROWS_MAX + 1)).mappings()
    return HoursOfSignals(start, to, _named(session, rows[:ROWS_MAX]), len(rows) > ROWS_MAX)


def _named(session: Session, rows: list[Any]) -> list[HourOfSignals]:
    revisions = select(Revision.id, Revision.number).where(Revision.id.in_({row["revision_id"] for row in rows}))
    places = select(Environment.id, Environment.slug).where(Environment.id.in_({row["environment_id"] for row in rows}))
    numbers = {row.id: row.number for row in session.execute(revisions)}
    slugs = {row.id: row.slug for row in session.execute(places)}
    hours = [
        HourOfSignals(
            environment=slugs[row["environment_id"]],
            revision_number=numbers[row["revision_id"]],
            **{name: row[name] for name in HourOfSignals.__slots__ if name not in ("environment", "revision_number")},
        )
        for row in rows
    ]
    return sorted(hours, key=lambda one: (one.hour, one.revision_number, one.variant, one.origin), reverse=True)
