"""The other front door: a browser goes to its identity provider, comes back with a code, and is let in or not.

No database session is held while the provider is asked. Every refusal has a reason: logged, and in the audit of the
workspace whose provider it was.
"""

from __future__ import annotations

import hmac
import logging
import re
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from signoff.connectors.net import Guard
from signoff.connectors.oidc.exchange import (
    Client,
    authorization_address,
    end_session_address,
    exchange,
    user_info,
)
from signoff.connectors.oidc.id_token import Expected, verified_claims
from signoff.connectors.oidc.metadata import Metadata, MetadataCache
from signoff.connectors.oidc.refused import OidcRefused
from signoff.connectors.oidc.signing_keys import KeyCache, SigningKey
from signoff.kit.errors import Fault
from signoff.kit.rates import Rates
from signoff.kit.sealing import Sealer
from signoff.people import throttle
from signoff.people.access import Principal
from signoff.people.account import wants_more
from signoff.people.actions.attempts import Attempt, AttemptToken, begin_attempt, use_attempt
from signoff.people.actions.identities import note_refused, sign_in_account
from signoff.people.facts import SignedIn
from signoff.people.knocks import too_many
from signoff.people.providers import ProviderFacts, client_secret, facts_of, provider_row
from signoff.people.sso_refusals import SsoRefused
from signoff.tables.identity import IdentityProvider
from signoff.tables.session import Store

log = logging.getLogger(__name__)

_ERROR_WORD = re.compile(r"[a-z_]{1,40}")
# Nothing can be guessed here, so an office behind one address may come to work in the same minute.
_PER_ADDRESS = 6
# Beyond this, refusals of one provider are logged only: a flood must not fill the audit.
_NOTED_PER_MINUTE = 30


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and what it keeps until it is back."""

    address: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brings back from a provider. Empty: it does not."""

    token: str = field(repr=False)
    state: str
    code: str = field(repr=False)
    error: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody is in, and goes on to `target` (empty: home)."""

    signed_in: SignedIn
    target: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a provider said when it was asked just now."""

    metadata: Metadata
    keys: tuple[SigningKey, ...]


class SingleSignOn:
    """Lets people in through their provider. One per process, because it counts attempts and remembers providers.

    Args:
        attempts_per_minute: for one address of the network, of passwords; several times as many are let through here.
        session_seconds: how long a session lives at most.
    """

    def __init__(
        self, store: Store, sealer: Sealer, guard: Guard, *, attempts_per_minute: int, session_seconds: int
    ) -> None:
        self._store = store
        self.sealer = sealer
        self._session_seconds = session_seconds
        self._rates = Rates(attempts_per_minute * _PER_ADDRESS)
        self._noted = Rates(_NOTED_PER_MINUTE)
        self.guard = guard
        self._metadata = MetadataCache(guard)
        self._keys = KeyCache(guard)

    async def begin(self, provider_id: str, *, redirect_uri: str, target: str, address: str) -> Departure:
        """Send a browser to a provider.

        Raises:
            SsoRefused: there is no such provider, or it cannot be reached.
            TooMuch: too many from this network address.
        """
        await self._count(f"begin:{address}")
        try:
            provider, _ = await self._store.read_async(self._open, provider_id, is_secret_needed=False)
            metadata = await self._metadata.of(provider.issuer)
            token = await self._store.write_async(_begin, provider_id, target)
        except (SsoRefused, OidcRefused) as error:
            raise await self._refused(provider_id, error, address) from error
        client = Client(provider.client_id, "", redirect_uri)
        where = authorization_address(
            metadata, client, scopes=provider.scopes, state=token.state, nonce=token.nonce, verifier=token.verifier
        )
        return Departure(where, token.value)

    async def finish(
        self, provider_id: str, answer: Answer, *, redirect_uri: str, address: str, user_agent: str = ""
    ) -> Arrival:
        """Let a browser in that came back from a provider.

        Raises:
            SsoRefused: it is not let in.
            TooMuch: too many from this network address.
        """
        await self._count(f"finish:{address}")
        try:
            token = AttemptToken(answer.token)
            attempt = await self._store.write_async(use_attempt, token, provider_id, answer.state)
            claims = await self._claims(attempt, token, answer, redirect_uri)
            signed_in = await self._store.write_async(
                sign_in_account, attempt, claims, lifetime_seconds=self._session_seconds, user_agent=user_agent
            )
        except (SsoRefused, OidcRefused) as error:
            raise await self._refused(provider_id, error, address) from error
        return Arrival(signed_in, attempt.target)

    async def inspect(self, viewer: Principal, provider_id: str) -> Findings:
        """Ask a provider what it is, now, for whoever sets it up.

        Raises:
            OidcRefused: what is wrong, in words for an administrator.
        """
        row = await self._store.read_async(provider_row, viewer, provider_id)
        metadata = await self._metadata.fresh(row.issuer)
        return Findings(metadata, await self._keys.fresh(metadata.jwks_uri))

    async def sign_out_address(self, provider_id: str, *, back_to: str, address: str) -> str:
        """Return where a browser ends its session at the provider too; empty when that is not offered."""
        await self._count(f"begin:{address}")
        try:
            provider, _ = await self._store.read_async(self._open, provider_id, is_secret_needed=False)
            metadata = await self._metadata.of(provider.issuer)
        except (SsoRefused, OidcRefused) as error:
            log.info("no way to sign out at the provider", extra={"provider": provider_id, "reason": error.reason})
            return ""
        return end_session_address(metadata, provider.client_id, back_to)

    async def _claims(self, attempt: Attempt, token: AttemptToken, answer: Answer, redirect_uri: str) -> dict[str, Any]:
        if answer.issuer and not hmac.compare_digest(answer.issuer.encode(), attempt.issuer.encode()):
            raise SsoRefused("wrong_issuer", "The answer names another issuer than the one it was sent to (RFC 9207).")
        if answer.error:
            word = answer.error if _ERROR_WORD.fullmatch(answer.error) else "not a word"
            raise SsoRefused("denied" if word == "access_denied" else "provider_error", f"The provider says: {word}.")
        if not answer.code:
            raise SsoRefused("no_code")
        provider, secret = await self._store.read_async(self._open, attempt.provider_id, is_secret_needed=True)
        if provider.issuer != attempt.issuer:
            raise SsoRefused("provider_disabled", "The issuer was changed meanwhile.")
        metadata = await self._metadata.of(provider.issuer)
        if metadata.names_itself and not answer.issuer:
            raise SsoRefused("wrong_issuer", "The provider names itself in every answer, and this one has no name.")
        client = Client(provider.client_id, secret, redirect_uri)
        found = await exchange(self.guard, metadata, client, code=answer.code, verifier=token.verifier)
        expected = Expected(metadata.issuer, client.id, token.nonce, found.access_token)
        claims = await verified_claims(self._keys, metadata.jwks_uri, found.id_token, expected)
        if metadata.userinfo_endpoint and wants_more(claims, provider):
            more = await user_info(self.guard, metadata, found, subject=str(claims["sub"]))
            # What was signed for this sign-in counts more than what was told beside it.
            return {**more, **claims}
        return claims

    def _open(self, session: Session, provider_id: str, *, is_secret_needed: bool) -> tuple[ProviderFacts, str]:
        row = session.get(IdentityProvider, provider_id[:64])
        if row is None:
            raise SsoRefused("unknown_provider")
        if not row.is_enabled:
            raise SsoRefused("provider_disabled")
        try:
            return facts_of(row), client_secret(self.sealer, row) if is_secret_needed else ""
        except Fault as error:  # The master key was lost: for an administrator to repair, not for a visitor to read.
            raise SsoRefused("no_secret", error.detail) from error

    async def _refused(self, provider_id: str, error: SsoRefused | OidcRefused, address: str) -> SsoRefused:
        refusal = error if isinstance(error, SsoRefused) else SsoRefused(error.reason, error.about)
        log.info(
            "single sign-on refused",
            extra={"reason": refusal.reason, "about": refusal.about, "provider": provider_id[:64], "address": address},
        )
        if self._noted.take(provider_id[:64]).is_allowed:
            await self._store.write_async(note_refused, provider_id[:64], refusal.reason, refusal.about)
        return refusal

    async def _count(self, key: str) -> None:
        grant = self._rates.take(key)
        if not grant.is_allowed:  # In memory first: a flood does not reach the database.
            raise too_many(grant.reset_seconds)
        wait = await self._store.write_async(
            throttle.take, f"sso:{key}", per_minute=self._rates.limit, at_once=self._rates.limit
        )
        if wait:
            raise too_many(wait)


def _begin(session: Session, provider_id: str, target: str) -> AttemptToken:
    row = session.get(IdentityProvider, provider_id)
    if row is None:
        raise SsoRefused("unknown_provider")
    return begin_attempt(session, row, target=target)
