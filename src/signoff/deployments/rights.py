"""Who may make a revision live in an environment: the right to deploy, the environment's own rule, and four eyes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.grants import may_on, who_may_deploy
from signoff.deployments.hands import authors_of, hands_behind, hands_of
from signoff.kit.errors import NotAllowed
from signoff.people.access import Place, Principal, authorize
from signoff.tables.agents import Agent, Revision
from signoff.tables.deployments import Deployment
from signoff.tables.people import Environment

_SWITCHES_READ = 50


def authorize_deploy(
    session: Session, principal: Principal, agent: Agent, place: Environment, target: Revision
) -> None:
    """Return quietly, or refuse to make a revision live.

    Raises:
        NotAllowed: no right to deploy this agent here, or the caller wrote what they would put into service.
        NotFound: the environment is outside the key's own.
    """
    authorize(
        principal, "agent.deploy", owners=(agent.owner_id, agent.backup_id), agent_id=agent.id, place=place_of(place)
    )
    if not is_second_person(session, principal, place, target):
        raise _four_eyes(session, agent, place, target)


def may_deploy(session: Session, principal: Principal, agent: Agent, place: Environment, target: Revision) -> bool:
    """Return whether `authorize_deploy` would agree."""
    return may_on(principal, agent, "agent.deploy", place_of(place)) and is_second_person(
        session, principal, place, target
    )


def is_second_person(session: Session, principal: Principal, place: Environment, target: Revision) -> bool:
    """Return whether four eyes would have seen a revision once the caller makes it live; always where none are asked.

    A revision that somebody else made live here before has been seen: going back to it is not held up.
    """
    if not place.is_four_eyes:
        return True
    authors = authors_of(session, target)
    if not hands_of(session, principal.actor) & authors:
        return True
    actors = session.scalars(
        select(Deployment.actor_id)
        .where(Deployment.revision_id == target.id, Deployment.environment_id == place.id)
        .order_by(Deployment.id.desc())
        .limit(_SWITCHES_READ)
    ).all()
    return any(not hands_behind(session, [actor]) & authors for actor in set(actors))


def place_of(environment: Environment) -> Place:
    """Return what the right to deploy depends on."""
    return Place(environment.id, environment.name, environment.is_deploy_restricted)


def _four_eyes(session: Session, agent: Agent, place: Environment, target: Revision) -> NotAllowed:
    authors = authors_of(session, target)
    names = who_may_deploy(session, agent, place_of(place), without=authors)
    who = f"Ask {_either(names)} to do it" if names else "Nobody else may deploy this agent here yet: share it first"
    return NotAllowed(
        f"{place.name} wants four eyes: you wrote revision {target.number} of {agent.slug}, so somebody else makes it "
        f"live. {who}.",
        code="four_eyes",
        extra={"required": "agent.deploy", "who_can": names},
    )


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
