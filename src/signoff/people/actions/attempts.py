"""A sign-in on its way to a provider and back: bound to one browser, good once, for ten minutes.

The browser keeps one random token in a cookie; we keep its hash. State, nonce and PKCE verifier are all derived from
it, so nothing that could finish a sign-in is stored here, and nothing that travels in an address gives the token away.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.people import tokens
from signoff.people.sso_refusals import SsoRefused
from signoff.tables.identity import IdentityProvider, SignInAttempt

LIFETIME_SECONDS = 600


@dataclass(frozen=True, slots=True)
class AttemptToken:
    """What one browser keeps while it is away."""

    value: str = field(repr=False)

    @property
    def state(self) -> str:
        """Return what must come back in the address."""
        return self._derived(b"state")

    @property
    def nonce(self) -> str:
        """Return what must come back in the ID token."""
        return self._derived(b"nonce")

    @property
    def verifier(self) -> str:
        """Return what proves, with the code, that it was us who asked (PKCE)."""
        return self._derived(b"verifier")

    def _derived(self, word: bytes) -> str:
        digest = hmac.digest(self.value.encode("utf-8", "replace"), b"signoff sign-in " + word, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that came back: which issuer it was sent to, and where the person wanted to go."""

    id: str
    provider_id: str
    issuer: str
    target: str


def begin_attempt(session: Session, row: IdentityProvider, *, target: str) -> AttemptToken:
    """Note that a browser leaves for a provider; return what it keeps."""
    token, moment = AttemptToken(ids.new_token("sso")), clock.now()
    session.add(
        SignInAttempt(
            id=ids.new_id("sia"),
            workspace_id=row.workspace_id,
            provider_id=row.id,
            token_hash=tokens.hash_of(token.value),
            issuer=row.issuer,
            target=target,
            created_at=moment,
            expires_at=moment + timedelta(seconds=LIFETIME_SECONDS),
        )
    )
    session.flush()
    return token


def use_attempt(session: Session, token: AttemptToken, provider_id: str, state: str) -> Attempt:
    """Use a sign-in up. Of two answers to one, the first counts; a wrong state uses nothing up.

    Raises:
        SsoRefused: this browser began none, or another one, or it is over.
    """
    row = session.scalar(select(SignInAttempt).where(SignInAttempt.token_hash == tokens.hash_of(token.value)))
    if row is None:
        raise SsoRefused("not_this_browser")
    if row.provider_id != provider_id:
        raise SsoRefused("other_provider")
    if not hmac.compare_digest(token.state.encode(), state.encode("utf-8", "replace")):
        raise SsoRefused("wrong_state")
    used = session.execute(
        update(SignInAttempt)
        .where(SignInAttempt.id == row.id, SignInAttempt.used_at.is_(None))
        .values(used_at=clock.now())
    )
    if getattr(used, "rowcount", 0) != 1:
        raise SsoRefused("used_before")
    if row.expires_at <= clock.now():
        raise SsoRefused("too_late")
    return Attempt(row.id, row.provider_id, row.issuer, row.target)


def sweep_attempts(session: Session, *, before: datetime) -> int:
    """Delete sign-ins that were over before `before`; return how many."""
    gone = session.execute(delete(SignInAttempt).where(SignInAttempt.expires_at < before))
    return int(getattr(gone, "rowcount", 0))
