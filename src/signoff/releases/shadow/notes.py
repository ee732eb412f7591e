"""What a shadow notes on its release's timeline."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record.actor import SYSTEM
from signoff.tables.releases import Release, ReleaseEvent

SPENT = "shadow_spent"


def note_spent(session: Session, release: Release, words: str) -> bool:
    """Note once a day (UTC) that the shadow's money is spent. False when it was noted before."""
    # Whoever else writes on this timeline waits: a place in it is taken once.
    session.execute(
        update(Release)
        .where(Release.id == release.id)
        .values(version=Release.version)
        .execution_options(synchronize_session=False)
    )
    moment = clock.now()
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    events = select(ReleaseEvent.seq).where(ReleaseEvent.release_id == release.id)
    if session.scalar(events.where(ReleaseEvent.kind == SPENT, ReleaseEvent.at >= today).limit(1)) is not None:
        return False
    last = session.scalar(select(func.max(ReleaseEvent.seq)).where(ReleaseEvent.release_id == release.id))
    session.add(
        ReleaseEvent(
            release_id=release.id, seq=(last or 0) + 1, workspace_id=release.workspace_id, at=moment, kind=SPENT,
            actor_id=SYSTEM.id, actor_name=SYSTEM.name, text=words, detail={},
        )
    )  # fmt: skip
    session.flush()
    return True
