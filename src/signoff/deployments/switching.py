"""The switch of what serves: one conditional update decides every race, whoever asks for it."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.deployments.refusals import LiveChanged
from signoff.kit import clock, ids
from signoff.kit.faultpoints import faultpoint
from signoff.record.actor import Actor
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import Deployment, LiveRevision
from signoff.tables.people import Environment

# What a switch takes away: a candidate or a shadow was compared with what no longer serves.
NO_CANDIDATE = {
    "candidate_revision_id": None, "candidate_release_id": None, "share": 0, "salt": None, "cohort": None,
    "shadow_release_id": None, "shadow_share": 0,
}  # fmt: skip


def switch(
    session: Session,
    agent: Agent,
    place: Environment,
    target: Revision,
    before: str | None,
    *,
    release_id: str | None = None,
) -> bool:
    """Let `target` serve if `before` serves now (None: nothing does). Returns whether it did: somebody was first."""
    if before is None:
        first = LiveRevision(
            agent_id=agent.id,
            environment_id=place.id,
            workspace_id=agent.workspace_id,
            revision_id=target.id,
            release_id=release_id,
            changed_at=clock.now(),
        )
        try:
            # The primary key decides between two first switches; only this insert is undone.
            with session.begin_nested():
                session.add(first)
        except IntegrityError:
            return False
        return True
    switched = session.execute(
        update(LiveRevision)
        .where(
            LiveRevision.agent_id == agent.id,
            LiveRevision.environment_id == place.id,
            LiveRevision.revision_id == before,
        )
        .values(revision_id=target.id, release_id=release_id, changed_at=clock.now(), **NO_CANDIDATE)
        .returning(LiveRevision.agent_id)
        .execution_options(synchronize_session=False)
    ).all()
    faultpoint("release-switched")
    return len(switched) == 1


def record_switch(
    session: Session,
    agent: Agent,
    place: Environment,
    target: Revision,
    before: str | None,
    *,
    by: Actor,
    reason: str,
    release_id: str | None = None,
) -> str:
    """Keep a switch in the history of what served; return its id.

    Args:
        by: whose decision it was, also when the engine carried it out: four eyes are counted by it.
    """
    made = Deployment(
        id=ids.new_id("dep"),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        environment_id=place.id,
        revision_id=target.id,
        previous_revision_id=before,
        actor_id=by.id,
        actor_name=by.name,
        reason=reason,
        release_id=release_id,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made.id


def live_changed(session: Session, agent: Agent, place: Environment) -> LiveChanged:
    """Return the refusal for whoever came second: who switched, to what, and when."""
    newest = session.execute(
        select(Deployment.actor_name, Deployment.created_at, Revision.number)
        .join(Revision, Revision.id == Deployment.revision_id)
        .where(Deployment.agent_id == agent.id, Deployment.environment_id == place.id)
        .order_by(Deployment.id.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        return LiveChanged(f"What serves {place.slug} changed since you looked. Look again, then decide.")
    return LiveChanged(
        f"{newest.actor_name} made revision {newest.number} of {agent.slug} live in {place.slug} at "
        f"{newest.created_at:%Y-%m-%d %H:%M:%S} UTC, after you looked. Look again, then decide.",
        extra={"number": newest.number, "by": newest.actor_name, "at": newest.created_at.isoformat()},
    )
