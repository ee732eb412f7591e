"""A release with the rows it is about, for the actions of this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.kit.canonical import content_hash
from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.record.actor import SYSTEM, Actor
from signoff.releases.strategy import Strategy, read_strategy
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment, Member
from signoff.tables.releases import Release, ReleaseEvent
from signoff.tables.session import keep

# What has not switched yet, and what has and is still looked at.
BEFORE_LIVE = ("requested", "gated", "scheduled", "shadow", "canary")
WATCHED = ("live", "watching")


@dataclass(frozen=True, slots=True)
class Shipment:
    """A release, the agent, the place, and the revision that is shipped."""

    release: Release
    agent: Agent
    place: Environment
    target: Revision

    @property
    def way(self) -> Strategy:
        """Return its strategy."""
        return read_strategy(self.release.strategy)

    @property
    def words(self) -> str:
        """Return what is shipped where, for a sentence."""
        return f"revision {self.target.number} of {self.agent.slug} in {self.place.slug}"


def shipment(session: Session, release_id: str) -> Shipment | None:
    """Return a release with its rows, or None. For the engine, which sees every workspace."""
    release = session.get(Release, release_id, populate_existing=True)
    return _whole(session, release) if release is not None else None


def shipment_for(
    session: Session, principal: Principal, release_id: str, action: Action, *, is_held: bool = False
) -> Shipment:
    """Return a release of the caller's workspace, or refuse.

    Args:
        is_held: whoever is at it is waited for, and nobody moves it before this transaction ends.

    Raises:
        NotFound: there is no such release here.
        NotAllowed: the caller may not do this to its agent.
    """
    wanted = (
        select(Release)
        .where(Release.id == release_id, Release.workspace_id == principal.workspace_id)
        .execution_options(populate_existing=True)
    )
    release = session.scalar(wanted.with_for_update() if is_held else wanted)
    if release is None:
        raise NotFound("There is no such release in this workspace.")
    agent = agent_for(session, principal, release.agent_id, action)
    authorize(
        principal, action, owners=(agent.owner_id, agent.backup_id), agent_id=agent.id,
        environment_id=release.environment_id,
    )  # fmt: skip
    return _whole(session, release)


def _whole(session: Session, release: Release) -> Shipment:
    made = Shipment(
        release,
        session.get_one(Agent, release.agent_id),
        session.get_one(Environment, release.environment_id),
        session.get_one(Revision, release.revision_id),
    )
    keep(session, made.release, made.agent, made.place, made.target)
    return made


def open_key(agent_id: str, environment_id: str) -> str:
    """Return what only one release at a time may carry."""
    return f"{agent_id}:{environment_id}"


def open_release(session: Session, agent_id: str, environment_id: str, *, is_held: bool = False) -> Release | None:
    """Return the release that is under way and has not switched yet.

    Args:
        is_held: whoever is at it is waited for, and nobody moves it before this transaction ends.
    """
    wanted = (
        select(Release)
        .where(Release.open_key == open_key(agent_id, environment_id))
        .execution_options(populate_existing=True)
    )
    return session.scalar(wanted.with_for_update() if is_held else wanted)


def watched_releases(session: Session, agent_id: str, environment_id: str) -> Sequence[Release]:
    """Return the releases that serve here and are still watched: one, or none."""
    return session.scalars(
        select(Release)
        .where(Release.agent_id == agent_id, Release.environment_id == environment_id, Release.state.in_(WATCHED))
        .order_by(Release.id.desc())
        .limit(10)
    ).all()


def diff_digest(session: Session, old_id: str | None, new_id: str) -> str:
    """Return the name of the diff of two revisions: of their contents, for the diff is nothing else."""
    hashes: dict[str, str] = {
        row.id: row.hash
        for row in session.execute(select(Revision.id, Revision.hash).where(Revision.id.in_([old_id or "", new_id])))
    }
    return content_hash({"old": hashes.get(old_id) if old_id else None, "new": hashes[new_id]})


def answerable(session: Session, release: Release) -> Actor:
    """Return whose decision a release is: whoever took it over, else whoever asked for it. A switch counts as theirs,
    also when the engine carries it out."""
    who, name = release.requested_by, release.requested_by_name
    if release.taken_over_by is not None:
        who, name = release.taken_over_by, release.taken_over_by_name or name
    if who == SYSTEM.id:
        return Actor("system", who, name)
    kind = "member" if session.get(Member, who) is not None else "service_account"
    return Actor(kind, who, name, release.asked_with)


def has_event(session: Session, release: Release, kind: str) -> bool:
    """Return whether the release's timeline tells of this since its step began."""
    wanted = select(ReleaseEvent.seq).where(ReleaseEvent.release_id == release.id, ReleaseEvent.kind == kind)
    if release.step_since is not None:
        wanted = wanted.where(ReleaseEvent.at >= release.step_since)
    return session.scalar(wanted.limit(1)) is not None
