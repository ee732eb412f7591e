"""A release that would go on, but stands on nobody: it is held, says why and who can help, and is looked at again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from signoff.record.actor import SYSTEM
from signoff.releases.actions.moves import held_key, note, stay
from signoff.releases.policy import LOOK_SECONDS
from signoff.releases.rows import Shipment
from signoff.watch.actions import raise_alert, resolve_by_key

HELD = "release_held"


def hold(session: Session, made: Shipment, reason: str, *, now: datetime) -> None:
    """Let a release stay where it is, with the reason. What serves, and a canary's share, stay as they are; a candidate
    that does badly is still taken away."""
    release = made.release
    is_new = release.held_reason != reason
    # What waits for signatures is looked at by whoever signs next; the rest by the engine.
    due = None if release.state == "requested" else now + timedelta(seconds=LOOK_SECONDS)
    stay(session, release, due_at=due, held_since=release.held_since or now, held_reason=reason)
    if is_new:
        note(session, release, "held", by=SYSTEM, text=f"It is held. {reason}")
        raise_alert(
            session, release.workspace_id, key=held_key(release), kind=HELD, agent_id=made.agent.id,
            text=f"The release of {made.words} is held. {reason}", detail={"release": release.id},
        )  # fmt: skip


def end_hold(session: Session, made: Shipment) -> None:
    """Let a release that was held go on: somebody answers for it again."""
    if made.release.held_since is not None:
        stay(session, made.release, held_since=None, held_reason=None)
        note(session, made.release, "resumed", by=SYSTEM, text="It is held no more.")
        resolve_by_key(session, made.release.workspace_id, held_key(made.release))
