"""The runs before and after one, as its viewer lists them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.runs.filters import visible
from signoff.tables.runs import Run


def neighbours(session: Session, viewer: Principal, run_id: str) -> tuple[str | None, str | None]:
    """Return the ids of the next newer and the next older run; None at an end."""
    authorize(viewer, "run.read")
    newer = select(Run.id).where(*visible(viewer), Run.id > run_id).order_by(Run.id).limit(1)
    older = select(Run.id).where(*visible(viewer), Run.id < run_id).order_by(Run.id.desc()).limit(1)
    return session.scalar(newer), session.scalar(older)
