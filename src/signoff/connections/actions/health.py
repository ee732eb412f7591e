"""Whether a connection works, as the last attempt found it. Told by the product itself, so not audited."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.text import shortened, storable
from signoff.tables.connections import Connection

_ERROR_CHARS = 1_000


def record_health(
    session: Session, connection_id: str, *, ok: bool, error: str | None = None, version: int | None = None
) -> None:
    """Keep the outcome of an attempt. `broken_at` stays the moment it first failed, until it works again.

    Args:
        error: a sentence for a person, with secrets already masked.
        version: when given, the outcome of a connection that was edited meanwhile is not kept.
    """
    moment = clock.now()
    this = [Connection.id == connection_id]
    if version is not None:
        this.append(Connection.version == version)
    values: dict[str, Any] = {"health": "ok" if ok else "broken", "checked_at": moment}
    if ok:
        values |= {"broken_at": None, "last_error": None}
    else:
        values["last_error"] = shortened(storable(error or "It failed without a reason."), _ERROR_CHARS)
    session.execute(update(Connection).where(*this).values(**values))
    if not ok:
        session.execute(update(Connection).where(*this, Connection.broken_at.is_(None)).values(broken_at=moment))
