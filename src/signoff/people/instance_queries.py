"""What an instance administrator sees of workspaces: their names and how much is in them, never what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from signoff.kit.paging import Page, encode_cursor, page_size, text_cursor
from signoff.kit.text import storable
from signoff.people.access import Principal
from signoff.people.actions.instance import authorize_instance
from signoff.tables.agents import Agent
from signoff.tables.people import Member, Workspace
from signoff.tables.runs import Run


@dataclass(frozen=True, slots=True)
class WorkspaceCounts:
    """One workspace as the installation sees it."""

    id: str
    slug: str
    name: str
    created_at: datetime
    suspended_at: datetime | None
    suspended_reason: str | None
    members: int
    agents: int
    runs: int


def instance_workspaces(
    session: Session, principal: Principal, *, q: str = "", cursor: str | None = None, size: int | None = None
) -> Page[WorkspaceCounts]:
    """Return the workspaces of this installation, newest first. The session must see every workspace.

    Args:
        q: part of a name or a slug.

    Raises:
        NotAllowed: the caller is no instance administrator.
    """
    authorize_instance(session, principal)
    query = select(
        Workspace,
        _count(Member.workspace_id, Member.state == "active"),
        _count(Agent.workspace_id),
        _count(Run.workspace_id),
    )
    words = storable(q).strip()[:100]
    if words:
        query = query.where(
            or_(Workspace.slug.icontains(words, autoescape=True), Workspace.name.icontains(words, autoescape=True))
        )
    if cursor:
        query = query.where(Workspace.id < text_cursor(cursor))
    count = page_size(size)
    rows = session.execute(query.order_by(Workspace.id.desc()).limit(count + 1)).all()
    following = encode_cursor(rows[count - 1][0].id) if len(rows) > count else None
    return Page([_facts(*row) for row in rows[:count]], following)


def _count(column: InstrumentedAttribute[str], *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).where(column == Workspace.id, *conditions).scalar_subquery()


def _facts(row: Workspace, members: int, agents: int, runs: int) -> WorkspaceCounts:
    return WorkspaceCounts(
        row.id, row.slug, row.name, row.created_at, row.suspended_at, row.suspended_reason, members, agents, runs
    )
