"""Views of the inbox that a member saved for themselves."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal, authorize
from signoff.tables.inbox import SavedView

VIEWS_MAX = 30


@dataclass(frozen=True, slots=True)
class ViewFacts:
    """A saved view: its name, and the filters as a query."""

    id: str
    name: str
    query: str


def saved_views(session: Session, viewer: Principal) -> list[ViewFacts]:
    """Return the viewer's own views by name, at most 30."""
    authorize(viewer, "approval.read")
    found = session.scalars(
        select(SavedView)
        .where(SavedView.workspace_id == viewer.workspace_id, SavedView.member_id == (viewer.member_id or ""))
        .order_by(SavedView.name)
        .limit(VIEWS_MAX)
    )
    return [ViewFacts(row.id, row.name, row.query) for row in found]
