"""What serves where, and how it came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, aliased

from signoff.agents.lookup import agent_for
from signoff.deployments.views import DeploymentFacts, LiveFacts
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize
from signoff.tables.agents import Revision
from signoff.tables.deployments import Deployment, LiveRevision
from signoff.tables.keyset import newest_first
from signoff.tables.people import Environment

_previous = aliased(Revision)


def live_revision(session: Session, agent_id: str, environment_id: str) -> str | None:
    """Return the id of the revision that serves, for rooms above that have checked whose agent it is."""
    return session.scalar(
        select(LiveRevision.revision_id).where(
            LiveRevision.agent_id == agent_id, LiveRevision.environment_id == environment_id
        )
    )


def live_revisions(session: Session, viewer: Principal, agent_ids: Sequence[str]) -> dict[str, list[LiveFacts]]:
    """Return what serves each of the agents of one page, by agent id, production last, in one query."""
    authorize(viewer, "agent.read")
    bounds = [LiveRevision.workspace_id == viewer.workspace_id, LiveRevision.agent_id.in_(agent_ids)]
    if viewer.environment_id:
        bounds.append(LiveRevision.environment_id == viewer.environment_id)
    rows = session.execute(
        select(
            LiveRevision.agent_id,
            LiveRevision.environment_id,
            Environment.slug,
            Environment.is_production,
            LiveRevision.revision_id,
            Revision.number,
            LiveRevision.changed_at,
        )
        .join(Environment, Environment.id == LiveRevision.environment_id)
        .join(Revision, Revision.id == LiveRevision.revision_id)
        .where(*bounds)
        .order_by(Environment.is_production, Environment.slug)
    )
    found: dict[str, list[LiveFacts]] = {agent_id: [] for agent_id in agent_ids}
    for row in rows:
        found[row.agent_id].append(LiveFacts(*row))
    return found


def last_switches(session: Session, viewer: Principal, agent_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return who last switched what serves, by agent and environment, in one query; those never switched are left
    out."""
    authorize(viewer, "agent.read")
    newest = (
        select(func.max(Deployment.id))
        .where(Deployment.workspace_id == viewer.workspace_id, Deployment.agent_id.in_(agent_ids))
        .group_by(Deployment.agent_id, Deployment.environment_id)
    )
    rows = session.execute(
        select(Deployment.agent_id, Deployment.environment_id, Deployment.actor_name).where(Deployment.id.in_(newest))
    )
    return {(row.agent_id, row.environment_id): row.actor_name for row in rows}


def deployments_page(
    session: Session,
    viewer: Principal,
    agent: str,
    *,
    environment: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[DeploymentFacts]:
    """Return one page of an agent's switches, newest first; `environment` is a slug."""
    found = agent_for(session, viewer, agent, "agent.read")
    wanted = (
        select(
            Deployment,
            Environment.slug.label("environment"),
            Revision.number.label("number"),
            _previous.number.label("previous_number"),
        )
        .join(Environment, Environment.id == Deployment.environment_id)
        .join(Revision, Revision.id == Deployment.revision_id)
        .outerjoin(_previous, _previous.id == Deployment.previous_revision_id)
        .where(Deployment.agent_id == found.id)
    )
    if viewer.environment_id:
        wanted = wanted.where(Deployment.environment_id == viewer.environment_id)
    if environment:
        wanted = wanted.where(Environment.slug == environment)
    page = newest_first(session, wanted, Deployment.id, cursor=cursor, size=size)
    return Page([_facts(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def _facts(row: Row[*tuple[Any, ...]]) -> DeploymentFacts:
    made: Deployment = row.Deployment
    return DeploymentFacts(
        id=made.id,
        agent_id=made.agent_id,
        environment_id=made.environment_id,
        environment=row.environment,
        revision_id=made.revision_id,
        revision_number=row.number,
        previous_revision_id=made.previous_revision_id,
        previous_number=row.previous_number,
        is_rollback=row.previous_number is not None and row.number < row.previous_number,
        actor_id=made.actor_id,
        actor_name=made.actor_name,
        reason=made.reason,
        created_at=made.created_at,
    )
