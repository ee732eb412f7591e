"""Has releases looked at when their time has come: by every worker, because each look is conditional."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from signoff.gateways.services import Services
from signoff.kit import clock
from signoff.record.outbox import Message
from signoff.releases.actions import advance
from signoff.releases.alarms import tell_split
from signoff.releases.comparison import SplitView, findings_for
from signoff.releases.findings import Findings
from signoff.releases.queries import due_releases
from signoff.releases.refusals import ReleaseMoved
from signoff.tables.releases import Release
from signoff.tables.session import Store

_log = logging.getLogger(__name__)


async def look_at_releases(store: Store, now: datetime | None = None) -> int:
    """Look at what is due, each in a transaction of its own. Returns how many were."""
    looked = 0
    moment = now or clock.now()
    for release_id in await store.read_async(due_releases, moment):
        looked += await _look(store, release_id, moment)
    return looked


async def look_at_one(services: Services, message: Message) -> None:
    """Look at the release that a message was left for: it is due at this moment."""
    await _look(services.store, message.payload["release"], clock.now())


async def _look(store: Store, release_id: str, now: datetime) -> bool:
    try:
        # Compared before anything is locked: it may take a while, and whoever was first meanwhile is not overruled.
        found = await store.read_async(_found, release_id, now)
        return found is not None and await store.write_async(_advance, release_id, now, *found)
    except ReleaseMoved:
        return False  # Another worker looked at it at the same moment, or a person decided.
    except Exception:  # noqa: BLE001  # One that cannot be looked at must not keep the others.
        _log.exception("release %s could not be looked at; the next sweep tries again", release_id)
        return False


def _found(session: Session, release_id: str, now: datetime) -> tuple[int, Findings, SplitView | None] | None:
    release = session.get(Release, release_id)
    if release is None or release.due_at is None or release.due_at > now:
        return None
    return release.version, *findings_for(session, release, now)


def _advance(
    session: Session, release_id: str, now: datetime, seen: int, findings: Findings, split: SplitView | None
) -> bool:
    release = session.get(Release, release_id)
    if release is None or release.version != seen:
        return False  # It was moved since: what was found out is of another step.
    if split is not None:
        tell_split(session, release, split)
    return advance(session, release_id, now=now, findings=findings)
