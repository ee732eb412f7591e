"""What is read of requests for access: one's own, and those one may decide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from signoff.agents.actions.access_requests import may_decide
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent
from signoff.tables.keyset import newest_first
from signoff.tables.ownership import AccessRequest
from signoff.tables.people import Member, Person

RequestState = Literal["asked", "approved", "refused", "withdrawn"]


@dataclass(frozen=True, slots=True)
class AccessRequestFacts:
    """One request: for a role, or for a level on an agent. `may_decide`: the viewer could give it."""

    id: str
    member_id: str
    name: str
    role_now: str
    role: str | None
    agent_id: str | None
    agent_slug: str | None
    agent_name: str | None
    level: str | None
    reason: str
    state: RequestState
    asked_at: datetime
    decided_by_name: str | None
    decided_at: datetime | None
    answer: str
    is_mine: bool
    may_decide: bool


def access_requests(
    session: Session,
    viewer: Principal,
    *,
    state: RequestState | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[AccessRequestFacts]:
    """Return one page of requests, newest first: the viewer's own, and those the viewer may decide."""
    authorize(viewer, "workspace.read")
    wanted = (
        select(AccessRequest, Member, Person.name.label("person"), Agent.slug, Agent.name.label("agent_name"))
        .join(Member, Member.id == AccessRequest.member_id)
        .join(Person, Person.id == Member.person_id)
        .outerjoin(Agent, Agent.id == AccessRequest.agent_id)
        .where(AccessRequest.workspace_id == viewer.workspace_id)
    )
    mine = AccessRequest.member_id == viewer.id
    roles = AccessRequest.agent_id.is_(None) if can(viewer, "member.manage") else false()
    shared = AccessRequest.agent_id.in_(select(Agent.id).where(*visible_agents(viewer, "agent.share")))
    wanted = wanted.where(or_(mine, roles, shared))
    if state:
        wanted = wanted.where(AccessRequest.state == state)
    page = newest_first(session, wanted, AccessRequest.id, cursor=cursor, size=size)
    return Page([_facts(session, viewer, row) for row in page.rows], page.next_cursor, page.previous_cursor)


def to_decide(session: Session, viewer: Principal, *, size: int = 10) -> list[AccessRequestFacts]:
    """Return open requests of others that the viewer may decide, newest first."""
    found = access_requests(session, viewer, state="asked", size=50).rows
    return [one for one in found if one.may_decide][:size]


def _facts(session: Session, viewer: Principal, row: Any) -> AccessRequestFacts:
    one: AccessRequest = row.AccessRequest
    is_mine = one.member_id == viewer.id
    return AccessRequestFacts(
        id=one.id, member_id=one.member_id, name=row.person, role_now=row.Member.role, role=one.role,
        agent_id=one.agent_id, agent_slug=row.slug, agent_name=row.agent_name or row.slug, level=one.level,
        reason=one.reason, state=one.state, asked_at=one.asked_at,  # pyright: ignore[reportArgumentType]
        decided_by_name=one.decided_by_name, decided_at=one.decided_at, answer=one.answer, is_mine=is_mine,
        may_decide=one.state == "asked" and not is_mine and may_decide(session, viewer, one),
    )  # fmt: skip
