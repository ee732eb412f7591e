"""Runs by the name somebody else gave them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.tables.runs import Run


def run_id_for(session: Session, viewer: Principal, name: str) -> str:
    """Return the id of the run called `name`, by its external id or its own. Whoever reads it is asked then."""
    found = session.scalar(
        select(Run.id).where(Run.workspace_id == viewer.workspace_id, Run.external_id == name).limit(1)
    )
    return found or name
