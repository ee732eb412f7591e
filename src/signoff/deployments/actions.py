"""Switching what serves. One conditional update decides every race."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.actions import freeze_revision
from signoff.agents.limits import checked_reason
from signoff.agents.lint import LintFacts
from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision, revision_body
from signoff.agents.views import RevisionFacts
from signoff.deployments.bindings import refuse_unbound_import
from signoff.deployments.gated import refuse_ungated, ungated_in
from signoff.deployments.queries import live_revision
from signoff.deployments.refusals import AlreadyLive, LiveChanged
from signoff.deployments.rights import authorize_deploy, may_deploy
from signoff.kit import clock, ids
from signoff.kit.errors import NotFound
from signoff.memories.actions import check_scope
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import Deployment, LiveRevision
from signoff.tables.people import Environment
from signoff.tables.session import Store


class _AsItIs:
    """The expectation of a caller who has none."""


AS_IT_IS = _AsItIs()


def make_live(
    session: Session,
    principal: Principal,
    agent_id: str,
    *,
    environment: str,
    revision: int | str,
    reason: str,
    expected: str | _AsItIs | None = AS_IT_IS,
) -> str:
    """Let a revision serve an environment (slug or id) from now on; return the deployment's id. Going back is the same.

    Runs that have begun keep the revision they began with.

    Args:
        expected: the revision id that served when the caller looked (None: none did). Edges call `switch_live`.

    Raises:
        AlreadyLive: it serves already.
        GateMissing: in production, it could do what cannot be undone with nobody asked.
        BindingsMissing: it was imported, and the environment lacks what it needs.
        MemoryScopeFixed: production has run with memory of another scope.
        LiveChanged: somebody switched since the caller looked.
        NotFound: there is no such agent, revision or environment here.
    """
    reason = checked_reason(reason)
    agent = agent_for(session, principal, agent_id, "agent.deploy")
    place = environment_for(session, principal, environment)
    target = find_revision(session, agent, revision)
    authorize_deploy(session, principal, agent, place, target)
    check_scope(
        session, agent.id, agent.slug, revision_body(session, target.id).memory, is_production=place.is_production
    )
    before = live_revision(session, agent.id, place.id) if isinstance(expected, _AsItIs) else expected
    if before == target.id:
        raise AlreadyLive(f"Revision {target.number} of {agent.slug} serves {place.slug} already. Nothing was changed.")
    refuse_ungated(session, agent, place, target)
    refuse_unbound_import(session, agent, place, target)
    if not _switch(session, agent, place, target, before):
        raise _live_changed(session, agent, place)
    made = Deployment(
        id=ids.new_id("dep"),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        environment_id=place.id,
        revision_id=target.id,
        previous_revision_id=before,
        actor_id=principal.id,
        actor_name=principal.name,
        reason=reason,
        created_at=clock.now(),
    )
    session.add(made)
    session.flush()
    _note(session, principal, agent, place, target, before, reason)
    return made.id


def switch_live(
    store: Store,
    principal: Principal,
    agent_id: str,
    *,
    environment: str,
    revision: int | str,
    reason: str,
) -> str:
    """`make_live` for the edges: looks first, then switches only from what was seen.

    So of two callers at the same moment one wins on either database, also where writers queue.
    """
    with store.read() as session:
        agent = agent_for(session, principal, agent_id, "agent.deploy")
        seen = live_revision(session, agent.id, environment_for(session, principal, environment).id)
    with store.write() as session:
        return make_live(
            session, principal, agent_id, environment=environment, revision=revision, reason=reason, expected=seen
        )


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
    by = Environment.id == environment if environment.startswith("env_") else Environment.slug == environment
    row = session.scalar(select(Environment).where(Environment.workspace_id == principal.workspace_id, by))
    if row is None:
        raise NotFound("There is no such environment in this workspace.")
    return row


def _switch(session: Session, agent: Agent, place: Environment, target: Revision, before: str | None) -> bool:
    if before is None:
        first = LiveRevision(
            agent_id=agent.id,
            environment_id=place.id,
            workspace_id=agent.workspace_id,
            revision_id=target.id,
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
        .values(revision_id=target.id, changed_at=clock.now())
        .returning(LiveRevision.agent_id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(switched) == 1


def _live_changed(session: Session, agent: Agent, place: Environment) -> LiveChanged:
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


def _note(
    session: Session,
    principal: Principal,
    agent: Agent,
    place: Environment,
    target: Revision,
    before: str | None,
    reason: str,
) -> None:
    audit.write(
        session,
        workspace_id=agent.workspace_id,
        actor=principal.actor,
        action="revision.made_live",
        object_kind="agent",
        object_id=agent.id,
        detail={
            "environment": place.slug,
            "revision": target.id,
            "number": target.number,
            "previous": before,
            "reason": reason,
        },
    )
