"""What came of many runs: who of them asked for other agents, and whether all that came of that has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from signoff.runs.stops import OPEN
from signoff.tables.runs import Run

# So many ids go into one statement.
_PIECE = 5_000


def parents_among(session: Session, run_ids: Sequence[str]) -> list[str]:
    """Return which of these runs asked for others, and not more than one statement names."""
    asked = select(Run.id).where(Run.id.in_(run_ids[:_PIECE]), Run.child_runs > 0).order_by(Run.id)
    return list(session.scalars(asked)) if run_ids else []


def last_end_below(session: Session, run_ids: Sequence[str]) -> datetime | Literal["open"] | None:
    """Return when the last of all that came of these runs ended; `open` while one has not; None: nothing came."""
    ends: list[datetime] = []
    for start in range(0, len(run_ids), _PIECE):
        kin = (
            select(Run.id, Run.state, Run.ended_at)
            .where(Run.parent_run_id.in_(run_ids[start : start + _PIECE]))
            .cte("kin", recursive=True)
        )
        # `union`, so that each is looked at once.
        kin = kin.union(select(Run.id, Run.state, Run.ended_at).join(kin, Run.parent_run_id == kin.c.id))
        open_ones = func.sum(case((kin.c.state.in_(OPEN), 1), else_=0))
        found, last = session.execute(select(open_ones, func.max(kin.c.ended_at))).one()
        if found:
            return "open"
        ends += [last] if last is not None else []
    return max(ends, default=None)
