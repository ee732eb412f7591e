"""Saving a view of the inbox for oneself, and removing it. Nobody else sees it, and nothing depends on it."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.approvals.saved import VIEWS_MAX
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.tables.inbox import SavedView

_NAME_CHARS = 60
_QUERY_CHARS = 1_000


def save_view(session: Session, principal: Principal, *, name: str, query: str) -> str:
    """Save a view; one of the same name is replaced. Returns its id.

    Raises:
        NotAllowed: the caller is no member.
        Malformed: it has no name, or there are too many.
    """
    member_id = _member(principal)
    words = " ".join(storable(name).split())[:_NAME_CHARS]
    if not words:
        raise Malformed("Give the view a name.", errors={"name": ["Give the view a name."]})
    own = (SavedView.workspace_id == principal.workspace_id, SavedView.member_id == member_id)
    row = session.scalar(select(SavedView).where(*own, SavedView.name == words))
    if row is not None:
        row.query = query[:_QUERY_CHARS]
        return row.id
    if (session.scalar(select(func.count()).select_from(SavedView).where(*own)) or 0) >= VIEWS_MAX:
        sentence = f"You have {VIEWS_MAX} views already. Remove one first."
        raise Malformed(sentence, errors={"name": [sentence]})
    row = SavedView(
        id=ids.new_id("svw"), workspace_id=principal.workspace_id, member_id=member_id, name=words,
        query=query[:_QUERY_CHARS], created_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def remove_view(session: Session, principal: Principal, view_id: str) -> None:
    """Remove one of the caller's own views; of one that is not there, or not theirs, nothing is said."""
    member_id = _member(principal)
    session.execute(
        delete(SavedView).where(
            SavedView.id == view_id,
            SavedView.workspace_id == principal.workspace_id,
            SavedView.member_id == member_id,
        )
    )


def _member(principal: Principal) -> str:
    authorize(principal, "approval.read")
    if principal.member_id is None:
        raise NotAllowed("A key has no inbox of its own.", code="not_a_member")
    return principal.member_id
