"""The token for a call, fresh. One worker asks the provider, the others wait for what it brings.

No session is open while the provider is asked.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from signoff.connections.kinds import hosts_of
from signoff.connections.logins.keeping import (
    Claim,
    claim_refresh,
    end_refused,
    fail_for_good,
    fail_for_now,
    keep_refreshed,
)
from signoff.connections.logins.sealing import Tokens, masks_of, opened_tokens
from signoff.connections.logins.states import SPENT_SECONDS
from signoff.connections.vault import Vault
from signoff.connectors import faults
from signoff.connectors.oauth import tokens as oauth
from signoff.connectors.oauth.tokens import Granted, OAuthRefused
from signoff.kit import clock
from signoff.kit.errors import ConnectorError, NotNow
from signoff.settings import Settings
from signoff.tables.connections import Connection, Login
from signoff.tables.session import Store

log = logging.getLogger(__name__)

_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.1


class LoginNeeded(NotNow):
    """The connection has a login and no token that could be sent. `code` says why."""


class HasVaultAndSettings(Protocol):
    """What of the built services a login needs."""

    @property
    def vault(self) -> Vault:
        """What opens tokens."""
        ...

    @property
    def settings(self) -> Settings:
        """What may be reached."""
        ...


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token to send, and every value of its login that must be masked."""

    login_id: str
    version: int
    slug: str
    token: str = field(repr=False)
    masked: tuple[str, ...] = field(repr=False)

    @property
    def masks(self) -> dict[str, str]:
        """Return what to mask, by name."""
        return masks_of(self.slug, self.masked)


@dataclass(frozen=True, slots=True)
class _State:
    bearer: Bearer | None
    version: int
    state: str
    is_spent: bool
    can_refresh: bool
    is_leased: bool
    last_error: str | None
    is_locked: bool
    name: str


async def bearer_of(store: Store, services: HasVaultAndSettings, login_id: str) -> Bearer:
    """Return the login's token, refreshed first when it has run out.

    Raises:
        LoginNeeded: nobody has authorised it, or it cannot be refreshed; the text says what to do.
        ConnectorError: the provider cannot be reached, and the present token has run out.
    """
    seen = await store.read_async(_look, services.vault, login_id)
    if seen.bearer is not None and seen.is_spent and not seen.is_locked:
        seen = await _renewed(store, services, login_id, seen)
    return _usable(seen)


async def renewed(store: Store, services: HasVaultAndSettings, login_id: str, refused_version: int) -> Bearer:
    """Return another token than that of `refused_version`, which the system did not accept.

    Raises: as `bearer_of`.
    """
    seen = await store.read_async(_look, services.vault, login_id)
    if seen.version == refused_version and seen.state == "active":
        if not seen.can_refresh:
            reason = "The system no longer accepts its token, and the provider gave nothing to refresh it with."
            await store.write_async(end_refused, login_id, refused_version, reason)
            seen = await store.read_async(_look, services.vault, login_id)
        else:
            seen = await _renewed(store, services, login_id, seen)
    return _usable(seen)


async def refresh_now(store: Store, services: HasVaultAndSettings, login_id: str, version: int) -> bool:
    """Refresh a login that is still at `version`. Returns whether it has another token afterwards.

    A failure is kept, alerted, and not raised.
    """
    try:
        claim = await store.write_async(claim_refresh, services.vault, login_id, version)
        if claim is not None:
            await _refresh(store, services, claim)
    except ConnectorError as error:
        log.info("the login %s was not refreshed: %s", login_id, error.code)
    return (await store.read_async(_look, services.vault, login_id)).version != version


async def _renewed(store: Store, services: HasVaultAndSettings, login_id: str, seen: _State) -> _State:
    """Refresh, or wait for whoever does. Returns the login as it is then."""
    deadline = clock.monotonic_seconds() + _WAIT_SECONDS
    while clock.monotonic_seconds() < deadline:
        claim = await store.write_async(claim_refresh, services.vault, login_id, seen.version)
        if claim is not None:
            await _refresh(store, services, claim)
            return await store.read_async(_look, services.vault, login_id)
        now = await store.read_async(_look, services.vault, login_id)
        if now.version != seen.version or now.state != "active":
            return now
        if not now.is_leased and now.last_error is not None:
            # Whoever had the lease was told no, for now. Asking again at once would be told the same.
            raise faults.fault(faults.UNREACHABLE, f"The login could not be refreshed. {now.last_error}")
        await asyncio.sleep(_LOOK_SECONDS)
    raise faults.fault(faults.TIMEOUT, "The login is being refreshed, and its provider takes too long.")


async def _refresh(store: Store, services: HasVaultAndSettings, claim: Claim) -> None:
    """Ask the provider and keep its answer.

    Raises:
        ConnectorError: it failed in a way that may pass; that is kept, too.
    """
    try:
        granted = await _asked(services.settings, claim)
    except OAuthRefused as refused:
        await store.write_async(fail_for_good, claim, _why(claim, refused))
        return
    except ConnectorError as error:
        is_answered = error.code != faults.OUTCOME_UNKNOWN
        await store.write_async(fail_for_now, claim, error.detail, is_answered=is_answered)
        raise faults.fault(faults.UNREACHABLE, f"The login could not be refreshed. {error.detail}") from error
    if not await store.write_async(keep_refreshed, services.vault, claim, granted):
        now = await store.read_async(_look, services.vault, claim.login_id)
        # Authorised again meanwhile: some providers would end the new tokens along with these.
        if now.state != "active":
            await _give_back(services.settings, claim, granted)


async def _asked(settings: Settings, claim: Claim) -> Granted:
    if claim.kind == "oauth_client_credentials":
        return await oauth.ask_as_client(settings, claim.client, claim.scopes)
    if claim.refresh_token is None:
        raise OAuthRefused("The provider gave nothing to refresh it with.", "no_refresh_token")
    return await oauth.refresh(settings, claim.client, claim.refresh_token)


def _why(claim: Claim, refused: OAuthRefused) -> str:
    if claim.was_in_doubt and refused.error == "invalid_grant":
        return (
            "An earlier refresh was cut off after the provider had been asked and before its answer was kept. "
            f"The answer is lost, and with it perhaps the token that replaced ours. {refused.detail}"
        )
    return refused.detail


async def _give_back(settings: Settings, claim: Claim, granted: Granted) -> None:
    """Tokens that came for a login which was ended meanwhile must not live on."""
    if not claim.client.revoke_url:
        return
    for token, hint in ((granted.refresh_token, "refresh_token"), (granted.access_token, "access_token")):
        if token is None:
            continue
        try:
            await oauth.revoke(settings, claim.client, token, hint)
        except ConnectorError as error:
            log.warning("tokens that nobody uses could not be given back: %s", error.code)


def _look(session: Session, vault: Vault, login_id: str) -> _State:
    found = session.get(Login, login_id)
    if found is None:
        return _State(None, 0, "needs_login", True, False, False, None, False, "")
    connection = session.get_one(Connection, found.connection_id)
    moment = clock.now()
    tokens: Tokens | None = opened_tokens(vault, found) if found.state == "active" else None
    is_locked = not set(hosts_of(connection.kind, connection.config)) <= set(found.hosts)
    return _State(
        bearer=Bearer(found.id, found.version, connection.slug, tokens.access, tokens.values) if tokens else None,
        version=found.version,
        state=found.state,
        is_spent=found.expires_at is not None and found.expires_at <= moment + timedelta(seconds=SPENT_SECONDS),
        can_refresh=found.can_refresh,
        is_leased=found.lease_until is not None and found.lease_until > moment,
        last_error=found.last_error,
        is_locked=is_locked,
        name=connection.name,
    )


def _usable(seen: _State) -> Bearer:
    if seen.state == "refresh_failed":
        reason = f"The login of {seen.name} could not be refreshed. {seen.last_error or ''}".strip()
        raise LoginNeeded(f"{reason} Authorise it again on the connection's page.", code="login_refresh_failed")
    if seen.state == "revoked":
        raise LoginNeeded(f"The login of {seen.name} was given back. Authorise it again.", code="login_revoked")
    if seen.bearer is None:
        raise LoginNeeded(f"Nobody has authorised {seen.name or 'it'} yet. Do it on its page.", code="login_needed")
    if seen.is_locked:
        raise LoginNeeded(
            f"{seen.name} leads elsewhere than when it was authorised. Authorise it again to confirm that the token "
            "may go there.",
            code="login_locked",
        )
    if seen.is_spent:
        raise LoginNeeded(
            f"The token of {seen.name} has run out, and the provider gave nothing to refresh it with. Authorise it "
            "again.",
            code="login_expired",
        )
    return seen.bearer
