"""Keys that end soon: one alert for each, two weeks before, resolved when it is rotated, revoked, or moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.people.key_queries import EXPIRING
from signoff.tables.people import ApiKey
from signoff.watch.actions import raise_alert, resolve_by_key

KIND = "key_expiring"
_KEYS_MAX = 500


def watch_expiring_keys(session: Session) -> int:
    """Raise the alerts that are due and resolve those that are over; return how many were raised."""
    soon = clock.now() + EXPIRING
    _settle(session, soon)
    due = session.scalars(
        select(ApiKey)
        .where(ApiKey.warned_at.is_(None), ApiKey.revoked_at.is_(None))
        .where(ApiKey.expires_at > clock.now(), ApiKey.expires_at <= soon)
        .order_by(ApiKey.expires_at)
        .limit(_KEYS_MAX)
    ).all()
    return sum(_warn(session, row) for row in due)


def _warn(session: Session, row: ApiKey) -> bool:
    # Several processes look at the same time: whoever notes it first tells it.
    noted = update(ApiKey).where(ApiKey.id == row.id, ApiKey.warned_at.is_(None)).values(warned_at=clock.now())
    if not cast("Any", session.execute(noted)).rowcount or row.expires_at is None:
        return False
    text = (
        f"The API key {row.name} ends on {row.expires_at:%d %B %Y at %H:%M} UTC. "
        "Rotate it with a new end under Settings, API keys; what uses it stops otherwise."
    )
    raise_alert(session, row.workspace_id, key=f"{KIND}:{row.id}", kind=KIND, text=text, detail={"key": row.id})
    return True


def _settle(session: Session, soon: datetime) -> None:
    over = session.execute(
        select(ApiKey.id, ApiKey.workspace_id)
        .where(ApiKey.warned_at.is_not(None))
        .where(or_(ApiKey.revoked_at.is_not(None), ApiKey.expires_at.is_(None), ApiKey.expires_at > soon))
        .limit(_KEYS_MAX)
    ).all()
    for key_id, workspace_id in over:
        resolve_by_key(session, workspace_id, f"{KIND}:{key_id}")
        session.execute(update(ApiKey).where(ApiKey.id == key_id).values(warned_at=None))
