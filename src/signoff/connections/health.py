"""Whether a connection works, as the last attempt found it. Told by the product itself, so not audited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.text import shortened, storable
from signoff.record.alarms import CONNECTION_BROKEN, ask_to_tell
from signoff.tables.connections import Connection

_ERROR_CHARS = 1_000
_TOLD_BY_AN_ALERT = ("login_refresh_failed", "login_refresh_failing")


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
    this: list[ColumnElement[bool]] = [Connection.id == connection_id]
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
    if ok is False:
        _break(session, connection_id, this, code, moment)
    session.execute(update(Connection).where(*this).values(**values))


def _break(
    session: Session, connection_id: str, this: Sequence[ColumnElement[bool]], code: str | None, moment: datetime
) -> None:
    """Keep since when it fails, and have people told if it worked until now."""
    broke = session.execute(
        update(Connection)
        .where(*this, Connection.broken_at.is_(None))
        .values(broken_at=moment)
        .returning(Connection.workspace_id, Connection.health)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    # Of a login that cannot be refreshed an alert tells, which says more.
    if broke is not None and broke.health == "ok" and code not in _TOLD_BY_AN_ALERT:
        key = f"{CONNECTION_BROKEN}:{connection_id}"
        ask_to_tell(session, broke.workspace_id, key=key, kind=CONNECTION_BROKEN, about=connection_id, agent_id=None)
