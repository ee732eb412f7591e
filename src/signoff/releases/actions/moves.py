"""The one way a release changes: a conditional update, a line of its timeline, an audit row, and what is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.faultpoints import Point, faultpoint
from signoff.kit.text import shortened, storable
from signoff.record import audit, happenings, outbox
from signoff.record.actor import Actor
from signoff.releases.refusals import ReleaseMoved, ReleaseOver
from signoff.releases.states import ReleaseState, is_open, may_move
from signoff.tables.releases import Release, ReleaseEvent
from signoff.tables.session import after_commit
from signoff.watch.actions import resolve_by_key

LOOK = "release.look"
# Where a test kills the process: the line is written, and nothing is committed yet.
_POINTS: Mapping[str, Point] = {
    "requested": "release-requested", "signed": "release-signed", "gated": "release-gated",
    "scheduled": "release-scheduled", "shadow": "release-shadow", "canary": "release-canary", "step": "release-step",
    "live": "release-live", "watching": "release-watching", "settled": "release-settled",
    "refused": "release-refused", "aborted": "release-aborted", "rolled_back": "release-rolled-back",
}  # fmt: skip
_TEXT_CHARS = 2_000
# The lines of its timeline that are told outside.
_EVENTS: Mapping[str, happenings.Event] = {
    "requested": "release.requested", "refused": "release.refused", "shadow": "release.shadow",
    "canary": "release.canary", "live": "release.live", "held": "release.held", "settled": "release.settled",
    "aborted": "release.aborted", "rolled_back": "release.rolled_back",
}  # fmt: skip


def move(
    session: Session,
    release: Release,
    after: ReleaseState,
    *,
    by: Actor,
    text: str,
    detail: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    **values: Any,
) -> None:
    """Move a release on from exactly what was read; it is refreshed.

    Raises:
        ReleaseOver: it may not go there from where it is.
        ReleaseMoved: somebody, or the engine, moved it first; nothing was changed.
    """
    if not may_move(release.state, after):
        raise ReleaseOver(
            f"The release is {release.state.replace('_', ' ')}; it cannot become {after.replace('_', ' ')} any more.",
            extra={"state": release.state},
        )
    moment = clock.now()
    changes: dict[str, Any] = {**values, "state": after, "state_since": moment, "due_at": due_at}
    if not is_open(after):
        changes["open_key"] = None
    was_held = release.held_since is not None
    if was_held:
        changes |= {"held_since": None, "held_reason": None}
    if after in ("refused", "aborted", "rolled_back", "settled"):
        changes |= {"ended_at": moment, "ended_by_name": by.name}
    _update(session, release, changes)
    # What was left to a person has been decided, by them or by what was found out.
    resolve_by_key(session, release.workspace_id, undecided_key(release))
    note(session, release, after, by=by, text=text, detail=detail)
    if was_held:
        resolve_by_key(session, release.workspace_id, held_key(release))
    if due_at is not None:
        look_at(session, release, due_at)


def look_at(session: Session, release: Release, moment: datetime) -> None:
    """Tell the engine to look at a release at a moment; its sweep looks as well, should the message be lost."""
    outbox.send(session, workspace_id=release.workspace_id, kind=LOOK, payload={"release": release.id}, due_at=moment)


def held_key(release: Release) -> str:
    """Return the key of the alert that a release is held."""
    return f"release:{release.id}:held"


def undecided_key(release: Release) -> str:
    """Return what the alert is known by that asks a person to decide."""
    return f"release:{release.id}:undecided"


def stay(session: Session, release: Release, **values: Any) -> None:
    """Change a release that stays in its state: a step, a verdict, when it is looked at next. It is refreshed.

    Raises:
        ReleaseMoved: somebody moved it first; nothing was changed.
    """
    _update(session, release, values)


def _update(session: Session, release: Release, values: Mapping[str, Any]) -> None:
    changed = session.execute(
        update(Release)
        .where(Release.id == release.id, Release.version == release.version, Release.state == release.state)
        .values(**values, version=Release.version + 1)
        .returning(Release.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(release)
    if len(changed) != 1:
        raise ReleaseMoved(
            f"The release is {release.state.replace('_', ' ')} now, since {release.state_since:%Y-%m-%d %H:%M:%S} UTC. "
            "Look again, then decide.",
            extra={"state": release.state, "version": release.version},
        )


def note(
    session: Session,
    release: Release,
    kind: str,
    *,
    by: Actor,
    text: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line to a release's timeline, and an audit row."""
    # Whoever else writes on this timeline waits: a place in it is taken once.
    session.execute(select(Release.id).where(Release.id == release.id).with_for_update())
    last = session.scalar(select(func.max(ReleaseEvent.seq)).where(ReleaseEvent.release_id == release.id))
    words = shortened(storable(text), _TEXT_CHARS)
    session.add(
        ReleaseEvent(
            release_id=release.id, seq=(last or 0) + 1, workspace_id=release.workspace_id, at=clock.now(), kind=kind,
            actor_id=by.id, actor_name=by.name, text=words, detail=dict(detail or {}),
        )
    )  # fmt: skip
    session.flush()
    audit.write(
        session, workspace_id=release.workspace_id, actor=by, action=f"release.{kind}", object_kind="release",
        object_id=release.id, revision_id=release.revision_id,
        detail={
            "agent": release.agent_id, "environment": release.environment_id, "revision": release.revision_id,
            "text": words, **(detail or {}),
        },
    )  # fmt: skip
    _tell_event(session, release, kind)
    if kind in _POINTS:
        faultpoint(_POINTS[kind])
        after_commit(session, _moved)


def _tell_event(session: Session, release: Release, kind: str) -> None:
    if kind in _EVENTS:
        happenings.tell(
            session, release.workspace_id, _EVENTS[kind], about=release.id, agent_id=release.agent_id,
            environment_id=release.environment_id,
            facts={
                "state": release.state, "code": release.code, "revision": release.revision_id, "tier": release.tier,
                "is_rollback": release.is_rollback,
            },
        )  # fmt: skip


def _moved() -> None:
    faultpoint("release-moved-not-told")
