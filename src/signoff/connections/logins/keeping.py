"""Tokens are kept: those a person brought, those a refresh brought, and the word that a refresh failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import Session

from signoff.connections.health import record_health
from signoff.connections.kinds import hosts_of
from signoff.connections.logins.rows import change, note
from signoff.connections.logins.sealing import NO_TOKENS, Tokens, client_of, opened_tokens, sealed_tokens
from signoff.connections.logins.states import due_at, retry_seconds
from signoff.connections.vault import Vault
from signoff.connectors.oauth.tokens import Granted, OAuthClient
from signoff.kit import chance, clock, ids
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal
from signoff.record import alarms
from signoff.record.actor import SYSTEM
from signoff.tables.connections import Connection, Login

# Longer than a provider may take: a lease found expired belongs to somebody who died.
LEASE_SECONDS = 45.0
REFRESH_FAILED = "login_refresh_failed"
REFRESH_FAILING = "login_refresh_failing"
_ERROR_CHARS = 800


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to refresh one login, for as long as the lease lasts.

    Args:
        was_in_doubt: an earlier refresh began and never told how it ended.
    """

    login_id: str
    version: int
    holder: str
    kind: str
    client: OAuthClient
    refresh_token: str | None = field(repr=False)
    scopes: tuple[str, ...]
    was_in_doubt: bool


def alert_key(login_id: str) -> str:
    """Return what alerts about a login are counted under."""
    return f"login:{login_id}"


def claim_refresh(session: Session, vault: Vault, login_id: str, version: int) -> Claim | None:
    """Take the lease of a login that is still at `version`; None when somebody holds it, or it has changed."""
    row = session.get(Login, login_id)
    if row is None or row.version != version or row.state != "active":
        return None
    moment, holder = clock.now(), ids.new_id("lea")
    tokens = opened_tokens(vault, row)
    was_in_doubt = row.is_in_doubt
    uses_refresh_token = row.kind != "oauth_client_credentials"
    values = {
        "lease_until": moment + timedelta(seconds=LEASE_SECONDS),
        "lease_holder": holder,
        # Written before the provider is asked: found later, it says that an answer was lost.
        "is_in_doubt": uses_refresh_token,
    }
    free = or_(Login.lease_until.is_(None), Login.lease_until < moment)
    if not change(session, row, version, values, free, Login.state == "active"):
        return None
    return Claim(
        login_id=row.id,
        version=version,
        holder=holder,
        kind=row.kind,
        client=client_of(vault, row),
        refresh_token=tokens.refresh if tokens else None,
        scopes=tuple(row.scopes_asked),
        was_in_doubt=was_in_doubt,
    )


def keep_authorised(
    session: Session, vault: Vault, principal: Principal, row: Login, version: int, granted: Granted
) -> bool:
    """Keep what an authorisation brought. Returns whether the login was still as it was when the person left.

    A person who agreed at the provider agrees that the token goes where the connection leads now. Nobody agrees when
    the client asks for itself: then it goes where its secret was entered for, and nowhere else.
    """
    connection = session.get_one(Connection, row.connection_id)
    values = {
        **_columns(vault, row, Tokens(granted.access_token, granted.refresh_token), granted),
        "state": "active",
        "authorised_at": clock.now(),
        "member_id": principal.id if principal.kind == "member" else None,
        "member_name": principal.name[:200],
        "last_refreshed_at": None,
    }
    if row.kind != "oauth_client_credentials":
        values["hosts"] = list(hosts_of(connection.kind, connection.config))
    if connection.state == "disconnected" or not change(session, row, version, values):
        return False
    note(session, principal.actor, row, "login.authorised", {"scopes": list(row.scopes_granted)[:50]})
    _is_well_again(session, row)
    return True


def keep_refreshed(session: Session, vault: Vault, claim: Claim, granted: Granted) -> bool:
    """Keep what a refresh brought: access and refresh token together, or neither.

    Returns:
        Whether the login was still the one that was asked for. When not, it was disconnected, set up anew, or
        authorised again meanwhile, and what came is nobody's.
    """
    row = session.get_one(Login, claim.login_id)
    if row.version != claim.version:
        return False
    before = opened_tokens(vault, row)
    tokens = Tokens(granted.access_token, granted.refresh_token)
    if before is not None:
        tokens = before.followed_by(granted.access_token, granted.refresh_token)
    had_failed = row.failures > 0
    values = {**_columns(vault, row, tokens, granted), "last_refreshed_at": clock.now()}
    if not change(session, row, claim.version, values, Login.lease_holder == claim.holder, Login.state == "active"):
        return False
    note(session, SYSTEM, row, "login.refreshed", {"version": row.version})
    if had_failed:
        _is_well_again(session, row)
    return True


def fail_for_good(session: Session, claim: Claim, reason: str) -> bool:
    """End a login that cannot be refreshed any more: somebody must authorise it again, and is told at once."""
    row = session.get_one(Login, claim.login_id)
    return _end(session, row, claim.version, reason, Login.lease_holder == claim.holder)


def end_refused(session: Session, login_id: str, version: int, reason: str) -> bool:
    """End a login whose token the system refuses, and which has no way to get another."""
    row = session.get(Login, login_id)
    return row is not None and _end(session, row, version, reason)


def _end(session: Session, row: Login, version: int, reason: str, *more: Any) -> bool:
    words = _words(reason)
    values = {
        "state": "refresh_failed", "last_error": words, "lease_until": None, "lease_holder": None,
        "is_in_doubt": False, "refresh_due_at": None, "failures": row.failures + 1,
    }  # fmt: skip
    if not change(session, row, version, values, Login.state == "active", *more):
        return False
    name = session.get_one(Connection, row.connection_id).name
    note(session, SYSTEM, row, "login.refresh_failed", {"reason": words})
    record_health(session, row.connection_id, ok=False, error=f"{words} Authorise it again.", code=REFRESH_FAILED)
    text = f"The login of {name} could not be refreshed. {words} Authorise it again on the connection's page."
    alarms.ask_for_alert(session, row.workspace_id, key=alert_key(row.id), kind=REFRESH_FAILED, text=text)
    return True


def fail_for_now(session: Session, claim: Claim, reason: str, *, is_answered: bool) -> None:
    """Let go of the lease after a failure that may pass, say when it is tried again, and tell at once.

    Args:
        is_answered: the provider did not act on it, so that the refresh token is surely still good.
    """
    row = session.get_one(Login, claim.login_id)
    moment, words = clock.now(), _words(reason)
    pause = timedelta(seconds=retry_seconds(row.failures))
    values: dict[str, Any] = {
        "last_error": words, "lease_until": None, "lease_holder": None, "failures": row.failures + 1,
        "refresh_due_at": moment + pause, "is_in_doubt": claim.was_in_doubt or not is_answered,
    }  # fmt: skip
    if claim.kind == "oauth_client_credentials":
        values["is_in_doubt"] = False
    if not change(session, row, claim.version, values, Login.lease_holder == claim.holder, Login.state == "active"):
        return
    name = session.get_one(Connection, row.connection_id).name
    is_spent = row.expires_at is not None and row.expires_at <= moment
    if is_spent:
        record_health(session, row.connection_id, ok=False, error=words, code=REFRESH_FAILING)
    left = "Its token has expired, so nothing goes through it" if is_spent else "Its present token is still good"
    text = f"The login of {name} could not be refreshed. {words} {left}; it is tried again in {pause.seconds} s."
    alarms.ask_for_alert(session, row.workspace_id, key=alert_key(row.id), kind=REFRESH_FAILING, text=text)


def _columns(vault: Vault, row: Login, tokens: Tokens, granted: Granted) -> dict[str, Any]:
    moment, version = clock.now(), row.version + 1
    life = granted.life_seconds
    can_refresh = tokens.refresh is not None or row.kind == "oauth_client_credentials"
    asked = list(row.scopes_asked)
    expires_at = moment + timedelta(seconds=life) if life is not None else None
    # RFC 6749, 5.1: nothing said means that what was asked for was given; on a refresh, that nothing changed.
    scopes = list(granted.scopes) if granted.scopes is not None else list(row.scopes_granted) or asked
    return {
        **sealed_tokens(vault, row, version, tokens),
        "version": version,
        "can_refresh": can_refresh,
        "scopes_granted": scopes[:200],
        "expires_at": expires_at,
        # Without anything to refresh it with, the end is noticed when it comes, and told.
        "refresh_due_at": due_at(moment, life, chance.share()) if can_refresh else expires_at,
        "lease_until": None, "lease_holder": None, "is_in_doubt": False, "failures": 0, "last_error": None,
    }  # fmt: skip


def _is_well_again(session: Session, row: Login) -> None:
    record_health(session, row.connection_id, ok=None)
    alarms.ask_to_resolve(session, row.workspace_id, key=alert_key(row.id))


def _words(reason: str) -> str:
    return shortened(storable(reason), _ERROR_CHARS)


def let_go(session: Session, row: Login, *, is_revoked_there: bool) -> None:
    """Take the tokens from a login whose connection was disconnected.

    They stay sealed until they were given back at the provider, when it takes them back; nobody can use them.
    """
    values: dict[str, Any] = {"state": "revoked", "lease_until": None, "lease_holder": None, "refresh_due_at": None}
    if not is_revoked_there:
        values |= NO_TOKENS
    change(session, row, row.version, values)
