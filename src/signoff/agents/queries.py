"""What people and programs read about agents. Every query takes a viewer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from signoff.agents.draft_saves import ways
from signoff.agents.lookup import agent_for
from signoff.agents.pauses import PauseFacts, pauses_of
from signoff.agents.retired import retirements
from signoff.agents.revisions import find_revision, revision_body, revision_facts
from signoff.agents.states import AgentState
from signoff.agents.views import (
    AgentFacts,
    AgentName,
    DraftFacts,
    PersonFacts,
    RefusedSaveFacts,
    RevisionDetail,
    RevisionFacts,
)
from signoff.kit.paging import PAGE_SIZE_MAX, Page
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent, Draft, RefusedSave, Revision
from signoff.tables.keyset import newest_first
from signoff.tables.people import Member, Person

__all__ = [
    "agent_by_slug",
    "agents_page",
    "draft_of",
    "may_with_agent",
    "refused_saves",
    "revision",
    "revision_body",
    "revisions_page",
]

QUERY_CHARS_MAX = 200

_owner, _backup = aliased(Member), aliased(Member)
_owner_person, _backup_person = aliased(Person), aliased(Person)


def agent_by_slug(session: Session, viewer: Principal, agent: str) -> AgentFacts:
    """Return one agent by slug or id.

    Raises:
        NotFound: this workspace has no such agent.
    """
    found = agent_for(session, viewer, agent, "agent.read")
    pause = pauses_of(session, [found.id], with_reach=True).get(found.id)
    return _facts(session.execute(_agents().where(Agent.id == found.id)).one(), pause)


def agents_page(
    session: Session,
    viewer: Principal,
    *,
    q: str = "",
    tag: str | None = None,
    state: AgentState | None = None,
    owner_id: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[AgentFacts]:
    """Return one page of agents, newest first. `q` is looked for in slug, name and description."""
    authorize(viewer, "agent.read")
    wanted = _agents().where(*visible_agents(viewer))
    if q.strip():
        text = q.strip()[:QUERY_CHARS_MAX].replace("\x00", "")
        fields = (Agent.slug, Agent.name, Agent.description)
        wanted = wanted.where(or_(*(field.icontains(text, autoescape=True) for field in fields)))
    if tag:
        wanted = wanted.where(_has_tag(session, tag.replace("\x00", "")))
    if state:
        wanted = wanted.where(Agent.state == state)
    if owner_id:
        wanted = wanted.where(or_(Agent.owner_id == owner_id, Agent.backup_id == owner_id))
    page = newest_first(session, wanted, Agent.id, cursor=cursor, size=size)
    paused = pauses_of(session, [row.Agent.id for row in page.rows])
    rows = [_facts(row, paused.get(row.Agent.id)) for row in page.rows]
    return Page(rows, page.next_cursor, page.previous_cursor)


def agent_names(session: Session, viewer: Principal) -> list[AgentName]:
    """Return what a filter or a form offers: the newest 200 agents, without anything else about them."""
    authorize(viewer, "agent.read")
    named = select(Agent.id, Agent.slug, Agent.name, Agent.state, Agent.last_revision).where(*visible_agents(viewer))
    found = session.execute(named.order_by(Agent.id.desc()).limit(PAGE_SIZE_MAX))
    return [AgentName(one.id, one.slug, one.name, one.state == "active" and one.last_revision > 0) for one in found]


def _agents() -> Select[*tuple[Any, ...]]:
    newest = and_(Revision.agent_id == Agent.id, Revision.number == Agent.last_revision)
    return (
        select(
            Agent,
            Draft.version.label("draft_version"),
            Draft.updated_at.label("draft_updated_at"),
            Draft.updated_by_name.label("draft_updated_by_name"),
            case((Revision.id.is_(None), True), (Draft.updated_at > Revision.created_at, True), else_=False).label(
                "has_unfrozen_edits"
            ),
            _owner_person.name.label("owner_name"),
            _owner_person.email.label("owner_email"),
            _backup_person.name.label("backup_name"),
            _backup_person.email.label("backup_email"),
        )
        .join(Draft, Draft.agent_id == Agent.id)
        .outerjoin(Revision, newest)
        .outerjoin(_owner, _owner.id == Agent.owner_id)
        .outerjoin(_owner_person, _owner_person.id == _owner.person_id)
        .outerjoin(_backup, _backup.id == Agent.backup_id)
        .outerjoin(_backup_person, _backup_person.id == _backup.person_id)
    )


def _has_tag(session: Session, tag: str) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "postgresql":
        return Agent.tags.cast(JSONB).contains([tag])
    members = func.json_each(Agent.tags).table_valued("value")
    return exists(select(literal(1)).select_from(members).where(members.c.value == tag))


def _facts(row: Row[*tuple[Any, ...]], pause: PauseFacts | None) -> AgentFacts:
    agent: Agent = row.Agent
    return AgentFacts(
        id=agent.id,
        slug=agent.slug,
        name=agent.name,
        description=agent.description,
        state="disabled" if agent.state == "disabled" else "active",
        tags=tuple(agent.tags),
        owner=_person(agent.owner_id, row.owner_name, row.owner_email),
        backup=_person(agent.backup_id, row.backup_name, row.backup_email),
        last_revision=agent.last_revision,
        draft_version=row.draft_version,
        draft_updated_at=row.draft_updated_at,
        draft_updated_by_name=row.draft_updated_by_name,
        has_unfrozen_edits=bool(row.has_unfrozen_edits),
        created_at=agent.created_at,
        pause=pause,
    )


def _person(member_id: str | None, name: str | None, email: str | None) -> PersonFacts | None:
    return PersonFacts(member_id, name or "", email or "") if member_id else None


def may_with_agent(session: Session, viewer: Principal, agent_id: str, action: Action) -> bool:
    """Return whether the viewer may do `action` to an agent; for showing a button where its row is not at hand."""
    return session.scalar(select(Agent.id).where(Agent.id == agent_id, *visible_agents(viewer, action))) is not None


def draft_of(session: Session, viewer: Principal, agent: str) -> DraftFacts:
    """Return the draft of an agent."""
    found = agent_for(session, viewer, agent, "agent.read")
    draft = session.get_one(Draft, found.id)
    by = (draft.updated_by, draft.updated_by_name, draft.updated_at)
    return DraftFacts(found.id, draft.version, draft.body, *by, *ways(session, found.id, draft.version))


def refused_saves(session: Session, viewer: Principal, agent: str, *, limit: int = 20) -> list[RefusedSaveFacts]:
    """Return the newest texts that were refused because they came too late."""
    found = agent_for(session, viewer, agent, "agent.edit")
    rows = session.scalars(
        select(RefusedSave).where(RefusedSave.agent_id == found.id).order_by(RefusedSave.id.desc()).limit(limit)
    )
    return [
        RefusedSaveFacts(row.id, row.base_version, row.body, row.author_id, row.author_name, row.created_at)
        for row in rows
    ]


def revisions_page(
    session: Session, viewer: Principal, agent: str, *, cursor: str | None = None, size: int | None = None
) -> Page[RevisionFacts]:
    """Return one page of an agent's revisions, newest first, without their content."""
    found = agent_for(session, viewer, agent, "agent.read")
    columns = (
        Revision.id,
        Revision.agent_id,
        Revision.number,
        Revision.hash,
        Revision.name,
        Revision.reason,
        Revision.author_id,
        Revision.author_name,
        Revision.created_at,
    )
    wanted = select(*columns).where(Revision.agent_id == found.id, Revision.number > 0)
    page = newest_first(session, wanted, Revision.number, cursor=cursor, size=size)
    retired = retirements(session, [row.id for row in page.rows])
    facts = [RevisionFacts(*row[: len(columns)], retired=retired.get(row.id)) for row in page.rows]
    return Page(facts, page.next_cursor, page.previous_cursor)


def revision(session: Session, viewer: Principal, agent: str, wanted: int | str) -> RevisionDetail:
    """Return one revision of an agent by number or id, with its content.

    Raises:
        NotFound: there is no such agent here, or it has no such revision.
    """
    row = find_revision(session, agent_for(session, viewer, agent, "agent.read"), wanted)
    retired = retirements(session, [row.id]).get(row.id)
    return RevisionDetail(replace(revision_facts(row), retired=retired), row.body)
