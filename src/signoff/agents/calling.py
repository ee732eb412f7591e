"""Whom an agent may call, and who may call it: for its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import String, cast, or_, select
from sqlalchemy.orm import Session

from signoff.agents.sub_agents import SubAgent
from signoff.people.access import Principal, authorize
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision

_ROWS_MAX = 200


@dataclass(frozen=True, slots=True)
class Called:
    """An agent that another one may call. `name` is empty where the viewer sees no agent of this slug."""

    slug: str
    name: str
    tool: str
    revision: str
    is_pinned: bool


@dataclass(frozen=True, slots=True)
class Calling:
    """An agent that names another one, in which of its revisions, and which revision of the other it calls."""

    slug: str
    name: str
    number: int
    serves: bool
    revision: str
    is_pinned: bool


def calls_of(session: Session, viewer: Principal, named: Sequence[SubAgent]) -> list[Called]:
    """Return the sub-agents of a revision as its page shows them, in their order."""
    authorize(viewer, "agent.read")
    if not named:
        return []
    slugs = {one.agent for one in named}
    found = session.execute(select(Agent.slug, Agent.name).where(*visible_agents(viewer), Agent.slug.in_(slugs)))
    known = {row.slug: row.name or row.slug for row in found}
    return [Called(one.agent, known.get(one.agent, ""), one.tool, one.revision, one.is_pinned) for one in named]


def called_by(session: Session, viewer: Principal, slug: str) -> list[Calling]:
    """Return the agents whose newest revision, or one that serves, names this one: in one query. Of each agent that
    revision counts which serves; of several the newest."""
    authorize(viewer, "agent.read")
    named = Revision.body["sub_agents"]
    live = select(LiveRevision.revision_id).where(LiveRevision.workspace_id == viewer.workspace_id)
    serves = Revision.id.in_(live).label("serves")
    rows = session.execute(
        select(Agent.slug, Agent.name, Revision.number, named.label("named"), serves)
        .join(Revision, Revision.agent_id == Agent.id)
        .where(
            *visible_agents(viewer),
            or_(Revision.number == Agent.last_revision, Revision.id.in_(live)),
            # Only bounds what is read; a tool may be called as an agent is.
            cast(named, String).contains(f'"{slug}"', autoescape=True),
        )
        .order_by(Agent.slug, serves.desc(), Revision.number.desc())
        .limit(_ROWS_MAX)
    )
    found: dict[str, Calling] = {}
    for row in rows:
        for one in map(SubAgent.model_validate, row.named):
            if one.agent == slug and row.slug not in found:
                found[row.slug] = Calling(
                    row.slug, row.name or row.slug, row.number, bool(row.serves), one.revision, one.is_pinned
                )
    return list(found.values())
