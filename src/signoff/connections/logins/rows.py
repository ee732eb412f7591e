"""Finding a login, changing it by one conditional update, and writing down that it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from signoff.connections.lookup import connection_for
from signoff.kit.errors import NotNow
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.connections import Connection, Login


def login_row(session: Session, connection_id: str) -> Login | None:
    """Return the login of a connection, or None."""
    return session.scalar(select(Login).where(Login.connection_id == connection_id))


def login_for(
    session: Session, principal: Principal, connection_id: str, action: Action = "connection.manage"
) -> tuple[Connection, Login]:
    """Return a connection and its login, if the caller may do `action` to them.

    Raises:
        NotFound: there is no such connection for the caller.
        NotAllowed: the caller's role does not reach this far.
        NotNow: the connection has no login.
    """
    connection = connection_for(session, principal, connection_id, action)
    if action == "connection.manage":
        authorize(principal, "secret.manage", environment_id=connection.environment_id)
    row = login_row(session, connection.id)
    if row is None:
        raise NotNow("This connection has no OAuth login. Set one up on its page.", code="login_missing")
    return connection, row


def change(session: Session, row: Login, version: int, values: Mapping[str, Any], *more: Any) -> bool:
    """Change the login if it is still at `version` (and `more` holds). Returns whether it was."""
    result = session.execute(update(Login).where(Login.id == row.id, Login.version == version, *more).values(**values))
    is_done = isinstance(result, CursorResult) and result.rowcount == 1
    if is_done:
        session.refresh(row)
    return is_done


def note(session: Session, actor: Actor, row: Login, event: str, detail: Mapping[str, Any] | None = None) -> None:
    """Write the audit of a login. Never a token in it."""
    audit.write(
        session,
        workspace_id=row.workspace_id,
        actor=actor,
        action=event,
        object_kind="connection",
        object_id=row.connection_id,
        detail={"login": row.id, "kind": row.kind, "state": row.state, **(detail or {})},
    )
