"""Who may see and judge pairs: they show what runs answered, so whoever may see the runs of the agent there."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.tables.agents import Agent
from signoff.tables.releases import Release


def release_for(session: Session, principal: Principal, release_id: str, *actions: Action) -> Release:
    """Return the row of a release whose agent the caller may do all of `actions` to.

    Raises:
        NotFound: this workspace has no such release, or it is outside the key's environment.
        NotAllowed: the caller's role does not reach it.
    """
    release = session.scalar(
        select(Release).where(Release.id == release_id, Release.workspace_id == principal.workspace_id)
    )
    if release is None:
        raise NotFound("There is no such release in this workspace.")
    agent = session.get_one(Agent, release.agent_id)
    for action in actions:
        authorize(
            principal, action, workspace_id=release.workspace_id, environment_id=release.environment_id,
            agent_id=agent.id, owners=(agent.owner_id, agent.backup_id),
        )  # fmt: skip
    return release
