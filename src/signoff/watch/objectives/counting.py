"""How many events of an objective there were in a window, and how many were bad, by workspace. From the runs alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, extract, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from signoff.kit import clock, ids
from signoff.tables.runs import Run
from signoff.watch.objectives.promises import Objective

# A run that ends within a window was asked for at most so long before; one that waited longer is not counted.
_BEFORE = timedelta(days=1)
_At = InstrumentedAttribute[datetime | None]
_ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened in one window."""

    events: int
    bad: int

    def burn_rate(self, budget: float) -> float:
        """Return how many times faster than allowed the budget was used up; 0 when nothing happened."""
        return self.bad / self.events / budget if self.events else 0.0


NOTHING = Tally(0, 0)


def tallies(
    session: Session, objective: Objective, minutes: Sequence[int], *, workspace_id: str | None = None
) -> Mapping[str, list[Tally]]:
    """Return the tally of each window by workspace, in one query; a workspace where nothing happened is left out.

    The query reads the runs asked for since the longest window began, and a day before.
    """
    found = _of(objective, is_sqlite=session.get_bind().dialect.name == "sqlite")
    if found is None:
        return {}
    at, counts, is_bad = found
    moment = clock.now()
    columns: list[ColumnElement[int]] = []
    for window in minutes:
        is_within = at >= moment - timedelta(minutes=window)
        columns.append(func.coalesce(func.sum(case((is_within, 1), else_=0)), 0))
        columns.append(func.coalesce(func.sum(case((and_(is_within, is_bad), 1), else_=0)), 0))
    since = moment - timedelta(minutes=max(minutes))
    query = (
        select(Run.workspace_id, *columns)
        .where(Run.id >= ids.first_at("run", since - _BEFORE), at >= since)
        .where(Run.origin == "production", Run.mode == "live", counts)
        .group_by(Run.workspace_id)
    )
    if workspace_id is not None:
        query = query.where(Run.workspace_id == workspace_id)
    return {
        row[0]: [Tally(int(row[at]), int(row[at + 1])) for at in range(1, len(row), 2)]
        for row in session.execute(query).all()
    }


def _of(objective: Objective, *, is_sqlite: bool) -> tuple[_At, ColumnElement[bool], ColumnElement[bool]] | None:
    """Return when an event happens, what is one, and what is a bad one; None for what the database does not know."""
    if objective.measures == "runs_ended":
        return Run.ended_at, Run.state.in_(_ENDED), and_(Run.state == "failed", Run.code.in_(objective.faults))
    if objective.measures == "runs_begun":
        waited: ColumnElement[Any] = extract("epoch", Run.started_at - Run.created_at)
        if is_sqlite:  # Moments are texts there.
            waited = (func.julianday(Run.started_at) - func.julianday(Run.created_at)) * 86_400
        return Run.started_at, Run.started_at.is_not(None), waited > (objective.seconds or 60)
    return None
