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
    session: Session,
    connection_id: str,
    *,
    ok: bool | None,
    error: str | None = None,
    code: str | None = None,
    version: int | None = None,
) -> None:
    """Keep the outcome of an attempt. `broken_at` stays the moment it first failed, until it works again.

    Args:
        ok: None when what was wrong is over and nobody has tried it since.
        code: a stable code for the error, which `doctor.diagnosis_of` explains.
        error: a sentence for a person, with secrets already masked.
        version: when given, the outcome of a connection that was edited meanwhile is not kept.
    """
    moment = clock.now()
    this = [Connection.id == connection_id]
    if version is not None:
        this.append(Connection.version == version)
    values: dict[str, Any] = {"health": "ok" if ok else "broken", "checked_at": moment}
    if ok is None:
        values = {"health": "unknown", "broken_at": None, "last_error": None, "last_error_code": None}
    elif ok:
        values |= {"broken_at": None, "last_error": None, "last_error_code": None}
    else:
        values["last_error_code"] = code
        values["last_error"] = shortened(storable(error or "It failed without a reason."), _ERROR_CHARS)
    session.execute(update(Connection).where(*this).values(**values))
    if ok is False:
        session.execute(update(Connection).where(*this, Connection.broken_at.is_(None)).values(broken_at=moment))
