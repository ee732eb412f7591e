"""The states of a login, and when a token is due to be replaced. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args

LoginState = Literal["needs_login", "active", "refresh_failed", "revoked"]
LoginKind = Literal["oauth_authorization_code", "oauth_client_credentials"]
# Whose account it is: one member's own, or one made for the purpose.
LoginPrincipal = Literal["personal", "service"]

LOGIN_KINDS: tuple[LoginKind, ...] = get_args(LoginKind)
LOGIN_PRINCIPALS: tuple[LoginPrincipal, ...] = get_args(LoginPrincipal)
CLIENT_AUTHS: tuple[str, ...] = ("none", "client_secret_basic", "client_secret_post")
# The kinds of connections that speak HTTP, where a token can stand in a header.
KINDS_WITH_LOGIN: frozenset[str] = frozenset({"mcp_http", "openapi"})

MOVES: dict[LoginState, frozenset[LoginState]] = {
    "needs_login": frozenset({"active", "revoked"}),
    "active": frozenset({"active", "refresh_failed", "needs_login", "revoked"}),
    "refresh_failed": frozenset({"active", "needs_login", "revoked"}),
    "revoked": frozenset({"active", "needs_login"}),
}

# A token is replaced when less than this share of its life is left, or less than five minutes; but never before half
# of its life is over.
SHARE_LEFT = 0.2
SECONDS_LEFT = 300.0
# A token with less than this left is not sent any more: it would end on the way.
SPENT_SECONDS = 5.0


def due_at(moment: datetime, life_seconds: float | None, chance: float) -> datetime | None:
    """Return when to replace a token given at `moment`; None when it does not say how long it lives.

    Args:
        chance: from 0 to 1; spreads tokens given at the same moment over the last quarter of the time before.
    """
    if life_seconds is None:
        return None
    left = max(SHARE_LEFT * life_seconds, min(SECONDS_LEFT, life_seconds / 2))
    left = min(left * (1 + chance / 4), life_seconds * 0.6)
    return moment + timedelta(seconds=life_seconds - left)


def retry_seconds(failures: int) -> float:
    """Return the pause before a refresh that failed for a passing reason is tried again."""
    return min(15.0 * 2.0 ** min(failures, 10), 900.0)
