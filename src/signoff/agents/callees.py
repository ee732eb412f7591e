"""Who is behind the name of a sub-agent: the agent, the revision, and whom that calls in turn."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.agents.sub_agents import LIVE, Callee
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment

NUMBER_CHARS = 9


def callee(session: Session, workspace_id: str, slug: str, revision: str) -> Callee | None:
    """Return who is meant; None when the workspace has no such agent. `live` is production's, else another's."""
    agent = session.scalar(select(Agent).where(Agent.workspace_id == workspace_id, Agent.slug == slug))
    if agent is None:
        return None
    row = serving(session, agent.id) if revision == LIVE else pinned(session, agent.id, revision)
    about = Callee(agent.slug, agent.name or agent.slug, agent.state, agent.last_revision)
    if row is None:
        return about
    return Callee(
        about.slug, about.name, about.state, about.newest, row.number, row.hash,
        tuple(revision_body(session, row.id).sub_agents),
    )  # fmt: skip


def pinned(session: Session, agent_id: str, revision: str) -> Revision | None:
    """Return a revision by its number or its hash. Of several with the same content the first is meant."""
    by = Revision.number == int(revision) if len(revision) <= NUMBER_CHARS else Revision.hash == revision
    found = select(Revision).where(Revision.agent_id == agent_id, Revision.number > 0, by)
    found = found.order_by(Revision.number).limit(1)
    return session.scalar(found)


def serving(session: Session, agent_id: str, environment_id: str | None = None) -> Revision | None:
    """Return what serves in an environment; without one, in production, else wherever it serves."""
    found = (
        select(Revision)
        .join(LiveRevision, LiveRevision.revision_id == Revision.id)
        .join(Environment, Environment.id == LiveRevision.environment_id)
        .where(LiveRevision.agent_id == agent_id)
        .order_by(Environment.is_production.desc(), Environment.position)
        .limit(1)
    )
    if environment_id is not None:
        found = found.where(LiveRevision.environment_id == environment_id)
    return session.scalar(found)
