"""The first revision serves at once. What serves after it is a release's to say (`releases/`)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.actions import freeze_revision
from signoff.agents.lint import LintFacts
from signoff.agents.views import RevisionFacts
from signoff.deployments.gated import ungated_in
from signoff.deployments.rights import may_deploy
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.session import keep


def freeze_and_serve_first(
    session: Session,
    principal: Principal,
    agent_id: str,
    *,
    reason: str,
    name: str = "",
    version: int | None = None,
    facts: LintFacts | None = None,
) -> RevisionFacts:
    """Freeze the draft. The first revision of an agent serves at once, without a deployment, every environment where
    the caller may make it live; frozen with a key for one environment, it serves that one. Production it does not
    serve when it could do what cannot be undone with nobody asked; lint says so.

    Raises: what `freeze_revision` raises.
    """
    frozen = freeze_revision(session, principal, agent_id, reason=reason, name=name, version=version, facts=facts)
    if frozen.number != 1:
        return frozen
    places = select(Environment).where(Environment.workspace_id == principal.workspace_id)
    if principal.environment_id:
        places = places.where(Environment.id == principal.environment_id)
    agent = session.get_one(Agent, frozen.agent_id)
    target = session.get_one(Revision, frozen.id)
    environments = [
        place
        for place in session.scalars(places)
        if may_deploy(session, principal, agent, place, target) and not ungated_in(session, place, target)
    ]
    session.add_all(
        LiveRevision(
            agent_id=frozen.agent_id,
            environment_id=environment.id,
            workspace_id=principal.workspace_id,
            revision_id=frozen.id,
            changed_at=frozen.created_at,
        )
        for environment in environments
    )
    session.flush()
    return frozen


def environment_for(session: Session, principal: Principal, environment: str) -> Environment:
    """Return the row of an environment by slug or id.

    Raises:
        NotFound: this workspace has no such environment.
    """
    if environment.startswith("env_"):
        row = session.get(Environment, environment)
    else:
        by = Environment.slug == environment
        row = session.scalar(select(Environment).where(Environment.workspace_id == principal.workspace_id, by))
    if row is None or row.workspace_id != principal.workspace_id:
        raise NotFound("There is no such environment in this workspace.")
    keep(session, row)
    return row
