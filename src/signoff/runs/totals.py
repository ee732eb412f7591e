"""Counts over all workspaces, for the operator's metrics."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.runs.states import RUN_STATES
from signoff.tables.runs import Run


def totals_by_state(session: Session) -> dict[str, int]:
    """Return how many runs are in each state; every state is there."""
    found = session.execute(select(Run.state, func.count()).group_by(Run.state)).all()
    counts = {state: count for state, count in found}  # noqa: C416  # A row is no pair to dict().
    return {state: counts.get(state, 0) for state in RUN_STATES}
