"""What readers see of a login. No token and no secret is in any of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LoginView:
    """How a connection signs in.

    Args:
        authorised_by: the member who authorised it last; for a personal login, whose account it is.
        scopes_missing: asked for and not granted. `scopes_beyond`: granted and not asked for.
        is_locked: the connection leads elsewhere than when it was authorised.
    """

    id: str
    connection_id: str
    kind: str
    principal: str
    state: str
    authorised_by: str | None
    issuer: str | None
    authorize_url: str | None
    token_url: str
    revoke_url: str | None
    resource: str | None
    client_id: str
    client_auth: str
    has_client_secret: bool
    is_registered_by_us: bool
    scopes_asked: tuple[str, ...]
    scopes_granted: tuple[str, ...]
    scopes_missing: tuple[str, ...]
    scopes_beyond: tuple[str, ...]
    hosts: tuple[str, ...]
    is_locked: bool
    can_refresh: bool
    version: int
    expires_at: datetime | None
    refresh_due_at: datetime | None
    authorised_at: datetime | None
    last_refreshed_at: datetime | None
    last_error: str | None
    created_at: datetime
