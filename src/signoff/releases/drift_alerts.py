"""An alert for each release that serves while what it refers to drifted; taken back when nothing drifts any more."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.revisions import revision_body
from signoff.kit.errors import StoreError
from signoff.kit.text import shortened
from signoff.releases.lock import Drift, drifted, world_of
from signoff.tables.agents import Agent
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.tables.watch import Alert
from signoff.watch.actions import TEXT_CHARS_MAX, raise_alert, resolve_by_key

KIND = "release_drift"
_AT_ONCE = 100
_TOLD = 5
_ENDED_AT_ONCE = 500


def raise_drift_alerts(session: Session, *, after: str = "") -> str:
    """Look at the next hundred releases that serve; return after which to go on, empty when all were looked at.

    Several processes may look at once: one alert is open for a release, however often it is found.
    """
    rows = session.execute(
        select(Release, Agent.slug.label("agent"), Environment.slug.label("place"))
        .join(LiveRevision, and_(LiveRevision.release_id == Release.id, LiveRevision.agent_id == Release.agent_id))
        .join(Agent, Agent.id == Release.agent_id)
        .join(Environment, Environment.id == Release.environment_id)
        .where(Release.id > after)
        .order_by(Release.id)
        .limit(_AT_ONCE)
    ).all()
    releases: list[Release] = [row.Release for row in rows]
    bodies = _bodies(session, releases)
    whole = [one for one in releases if one.id in bodies]
    world = world_of(session, [(one.workspace_id, one.environment_id, bodies[one.id]) for one in whole])
    told = _told(session, releases)
    for row in rows:
        release: Release = row.Release
        if release.id in bodies:
            found = drifted(release, bodies[release.id], world)
            _settle(session, release, f"{row.agent} in {row.place}", found, told.get(_key(release.id)))
    _end_over(session)
    return releases[-1].id if len(releases) == _AT_ONCE else ""


def _bodies(session: Session, releases: list[Release]) -> dict[str, Body]:
    """Return release → content. One that is damaged runs no more, and must not keep the others from being looked at."""
    found: dict[str, Body] = {}
    for one in releases:
        with suppress(StoreError):
            found[one.id] = revision_body(session, one.revision_id)
    return found


def _settle(session: Session, release: Release, words: str, found: list[Drift], told: str | None) -> None:
    if not found:
        if told is not None:
            resolve_by_key(session, release.workspace_id, _key(release.id))
        return
    text = _text(words, found)
    # Counted once for each change, not once for each look.
    if told != text:
        detail = {"release": release.id, "drift": [{"kind": one.kind, "name": one.name} for one in found[:50]]}
        raise_alert(
            session, release.workspace_id, key=_key(release.id), kind=KIND, text=text, agent_id=release.agent_id,
            detail=detail,
        )  # fmt: skip


def _text(words: str, found: list[Drift]) -> str:
    more = f" And {len(found) - _TOLD} more." if len(found) > _TOLD else ""
    sentences = " ".join(one.text for one in found[:_TOLD])
    end = "Test it as it is now and release it again, or put back what changed."
    return shortened(f"What serves {words} drifted from what was released. {sentences}{more} {end}", TEXT_CHARS_MAX)


def _told(session: Session, releases: list[Release]) -> dict[str, str]:
    """Return key → text of the open alerts about these releases."""
    rows = session.execute(
        select(Alert.open_key, Alert.text).where(
            Alert.workspace_id.in_({one.workspace_id for one in releases}),
            Alert.open_key.in_([_key(one.id) for one in releases]),
        )
    )
    return {str(row.open_key): row.text for row in rows}


def _end_over(session: Session) -> None:
    """Resolve the alerts of releases that serve no more."""
    open_now = session.execute(
        select(Alert.workspace_id, Alert.open_key)
        .where(Alert.kind == KIND, Alert.open_key.is_not(None))
        .limit(_ENDED_AT_ONCE)
    ).all()
    ids = [str(row.open_key).removeprefix(f"{KIND}:") for row in open_now]
    serving = set(session.scalars(select(LiveRevision.release_id).where(LiveRevision.release_id.in_(ids))))
    for row, release_id in zip(open_now, ids, strict=True):
        if release_id not in serving:
            resolve_by_key(session, row.workspace_id, _key(release_id))


def _key(release_id: str) -> str:
    return f"{KIND}:{release_id}"
