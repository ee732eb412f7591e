"""The front door: sign-in and setup links, throttled, with the same answer and time for whoever knocks in vain.

These take the store, not a session: checking a password takes long on purpose, and no transaction waits for it.
"""

from __future__ import annotations

import logging

from signoff.kit.errors import NotAllowed, NotSignedIn, TooMuch
from signoff.kit.rates import Rates
from signoff.people import passwords, queries
from signoff.people.access import Principal
from signoff.people.actions.sessions import open_session, renew_hash, set_password
from signoff.people.actions.setup_links import link_not_good, redeem_setup_link
from signoff.people.facts import SignedIn
from signoff.tables.session import Store

log = logging.getLogger(__name__)


class Entrance:
    """Lets people in. One per process, because it counts attempts.

    Args:
        attempts_per_minute: for one address of the network, and for one e-mail address.
        session_seconds: how long a session lives at most.
    """

    def __init__(self, store: Store, *, attempts_per_minute: int, session_seconds: int) -> None:
        self._store = store
        self._rates = Rates(attempts_per_minute)
        self._session_seconds = session_seconds

    def sign_in(self, email: str, password: str, *, address: str, user_agent: str = "") -> SignedIn:
        """Open a session, or refuse without telling whether the account exists.

        Raises:
            NotSignedIn: address and password do not belong together.
            TooMuch: too many attempts from this network address or for this account.
        """
        account = f"account:{email.strip().lower()[:200]}"
        self._count(f"address:{address}")
        self._count(account)
        with self._store.read() as session:
            found = queries.stored_password(session, email)
        if not passwords.matches(found[1] if found else None, password) or found is None:
            log.info("sign-in refused", extra={"address": address})
            raise NotSignedIn("The e-mail address and the password do not belong together.", code="bad_credentials")
        fresh = passwords.make_hash(password) if found[1] and passwords.is_outdated(found[1]) else None
        with self._store.write() as session:
            if fresh and found[1]:
                renew_hash(session, found[0], old_hash=found[1], new_hash=fresh)
            signed_in = open_session(session, found[0], lifetime_seconds=self._session_seconds, user_agent=user_agent)
        self._rates.forget(account)
        return signed_in

    def redeem(self, token: str, password: str | None, *, address: str, user_agent: str = "") -> SignedIn:
        """Use a setup link up; `password` becomes the person's password, None leaves it as it is.

        Raises:
            LinkNotGood: the link cannot be used.
            Malformed: the password is too weak; the link stays good.
        """
        self._count(f"address:{address}")
        with self._store.read() as session:
            if not queries.is_link_good(session, token):
                raise link_not_good()
        password_hash = passwords.make_hash(password) if password is not None else None
        with self._store.write() as session:
            return redeem_setup_link(
                session,
                token,
                password_hash=password_hash,
                lifetime_seconds=self._session_seconds,
                user_agent=user_agent,
            )

    def change_password(
        self, principal: Principal, *, email: str, old: str, new: str, user_agent: str = ""
    ) -> SignedIn:
        """Give the signed-in person a new password. Every session ends; the answer is a fresh one.

        Raises:
            NotSignedIn: `old` is not their password.
            NotAllowed: the session was opened by a workspace's identity provider, which has no say in passwords.
        """
        if principal.is_bound:
            raise NotAllowed("Sign in with your password to change it; this session was opened by single sign-on.")
        self._count(f"account:{email.strip().lower()[:200]}")
        with self._store.read() as session:
            found = queries.stored_password(session, email)
        is_theirs = found is not None and found[0] == principal.person_id
        if not passwords.matches(found[1] if found and is_theirs else None, old) or found is None:
            raise NotSignedIn("The present password is not right.", code="bad_credentials")
        password_hash = passwords.make_hash(new)
        with self._store.write() as session:
            set_password(session, found[0], password_hash)
            return open_session(
                session,
                found[0],
                workspace_id=principal.workspace_id,
                lifetime_seconds=self._session_seconds,
                user_agent=user_agent,
                how="password_changed",
            )

    def _count(self, key: str) -> None:
        grant = self._rates.take(key)
        if not grant.is_allowed:
            raise TooMuch(
                f"Too many attempts. Try again in {grant.reset_seconds} seconds.",
                retry_after_seconds=grant.reset_seconds,
                code="too_many_attempts",
            )
