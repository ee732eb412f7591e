"""What is read of logins."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.connections.kinds import hosts_of
from signoff.connections.logins.rows import login_row
from signoff.connections.logins.views import LoginView
from signoff.connections.lookup import connection_for
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.tables.connections import Connection, Login


@dataclass(frozen=True, slots=True)
class DueLogin:
    """A login whose token is due to be replaced."""

    id: str
    version: int


def login_of(session: Session, viewer: Principal, connection_id: str) -> LoginView | None:
    """Return how a connection signs in; None when it does not do so by OAuth.

    Raises:
        NotFound: there is no such connection for the viewer.
    """
    connection = connection_for(session, viewer, connection_id, "connection.read")
    row = login_row(session, connection.id)
    return _view(connection, row) if row is not None else None


def due_logins(session: Session, *, limit: int = 100) -> list[DueLogin]:
    """Return the logins whose time to be refreshed has come and that nobody refreshes, most urgent first.

    For the engine: over all workspaces.
    """
    moment = clock.now()
    rows = session.execute(
        select(Login.id, Login.version)
        .where(
            Login.state == "active",
            Login.refresh_due_at <= moment,
            or_(Login.lease_until.is_(None), Login.lease_until < moment),
        )
        .order_by(Login.refresh_due_at)
        .limit(limit)
    )
    return [DueLogin(row.id, row.version) for row in rows]


def _view(connection: Connection, row: Login) -> LoginView:
    asked, granted = tuple(row.scopes_asked), tuple(row.scopes_granted)
    has_said = bool(granted)
    return LoginView(
        id=row.id,
        connection_id=row.connection_id,
        kind=row.kind,
        principal=row.principal,
        state=row.state,
        authorised_by=row.member_name if row.authorised_at else None,
        issuer=row.issuer,
        authorize_url=row.authorize_url,
        token_url=row.token_url,
        revoke_url=row.revoke_url,
        resource=row.resource,
        client_id=row.client_id,
        client_auth=row.client_auth,
        has_client_secret=row.client_secret is not None,
        is_registered_by_us=row.is_registered_by_us,
        scopes_asked=asked,
        scopes_granted=granted,
        scopes_missing=tuple(scope for scope in asked if scope not in granted) if has_said else (),
        scopes_beyond=tuple(scope for scope in granted if scope not in asked),
        hosts=tuple(row.hosts),
        is_locked=row.state == "active" and not set(hosts_of(connection.kind, connection.config)) <= set(row.hosts),
        can_refresh=row.can_refresh,
        version=row.version,
        expires_at=row.expires_at,
        refresh_due_at=row.refresh_due_at,
        authorised_at=row.authorised_at,
        last_refreshed_at=row.last_refreshed_at,
        last_error=row.last_error,
        created_at=row.created_at,
    )
