"""The front door: sign-in in one or two steps, and one-time links; the same answer and time for whoever knocks in vain.

These take the store, not a session: checking a password takes long on purpose, and no transaction waits for it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.kit.errors import Malformed, NotSignedIn
from signoff.kit.sealing import Sealer
from signoff.people import own, passwords, queries
from signoff.people.access import Principal, own_person
from signoff.people.actions.members import rename_person
from signoff.people.actions.one_factor import end_one_factor_sessions
from signoff.people.actions.pending import begin_again, count_attempt, open_pending, use_pending
from signoff.people.actions.second_factors import (
    begin_second_factor,
    confirm_second_factor,
    disown_second_factor,
    unconfirmed_secret,
    use_second_factor,
)
from signoff.people.actions.sessions import open_session, renew_hash, session_kind, set_password
from signoff.people.actions.setup_links import link_not_good, mail_factor_notice, use_setup_link
from signoff.people.everywhere import note_everywhere
from signoff.people.facts import Pending, PendingFacts, SignedIn
from signoff.people.forgotten import Forgotten
from signoff.people.knocks import Knocks
from signoff.people.lanes import Lanes
from signoff.people.links import person_of_link
from signoff.people.own_factor import OwnFactor
from signoff.people.proofs import note_proof
from signoff.people.sign_in_rules import needed_step
from signoff.tables.session import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A second factor was set up on the way in. The recovery codes are shown once. `ended`: sessions without one."""

    signed_in: SignedIn
    recovery_codes: list[str]
    ended: int = 0


class Entrance:
    """Lets people in. One per process.

    Args:
        sealer: keeps the secrets of second factors.
        attempts_per_minute: for one address of the network, and for one e-mail address.
        session_seconds: how long a session lives at most.
        total_per_minute: for everybody together.
        reset_link_seconds: how long a link for a forgotten password is good; None where no mail is sent.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        attempts_per_minute: int,
        session_seconds: int,
        total_per_minute: int = 600,
        reset_link_seconds: int | None = None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self.knocks = Knocks(store, per_minute=attempts_per_minute, total_per_minute=total_per_minute)
        self.lanes = Lanes(self.knocks)
        self._session_seconds = session_seconds
        self._sends_mail = reset_link_seconds is not None
        self.own_factor = OwnFactor(store, sealer, self.knocks, sends_mail=self._sends_mail)
        self.forgotten = (
            Forgotten(store, sealer, self.knocks, link_seconds=reset_link_seconds) if reset_link_seconds else None
        )

    def sign_in(self, email: str, password: str, *, address: str, user_agent: str = "") -> SignedIn | Pending:
        """Open a session, or the second step, or refuse without telling whether the account exists.

        Raises:
            NotSignedIn: address and password do not belong together.
            TooMuch: too many attempts from this network address or for this account.
        """
        self.knocks.address(address)
        self.knocks.account(email, address)
        with self._store.read() as session:
            found = queries.stored_password(session, email)
        if not passwords.matches(found[1] if found else None, password) or found is None:
            log.info("sign-in refused", extra={"address": address})
            raise NotSignedIn("The e-mail address and the password do not belong together.", code="bad_credentials")
        fresh = passwords.fresh_hash(found[1], password)
        with self._store.write() as session:
            if fresh and found[1]:
                renew_hash(session, found[0], old_hash=found[1], new_hash=fresh)
            entered = self._enter(session, found[0], method="password", how="password", user_agent=user_agent)
        self._came_in(entered, address)
        return entered

    def redeem(
        self, token: str, password: str | None, *, address: str, user_agent: str = "", name: str | None = None
    ) -> SignedIn | Pending:
        """Use a setup link up; `password` becomes the person's password, None leaves it as it is.

        Raises:
            LinkNotGood: the link cannot be used.
            Malformed: the password is too weak, or the name cannot be used; the link stays good.
        """
        self.knocks.address(address)
        with self._store.read() as session:
            person_id = person_of_link(session, token)
            known = own.words_known_of(session, person_id) if person_id else ()
        if person_id is None:
            raise link_not_good()
        password_hash = passwords.make_hash(password, (*known, name or "")) if password is not None else None
        with self._store.write() as session:
            link = use_setup_link(session, token)
            if link.purpose == "not_me":
                if password_hash is None:
                    raise _new_password_needed()
                disown_second_factor(session, link.person_id)
            note_proof(session, link, sets_password=password_hash is not None)
            if password_hash is not None:
                set_password(session, link.person_id, password_hash)
                note_everywhere(session, link.person_id, "password.changed", {"how": f"link:{link.purpose}"})
            # Whom an invitation is for says what they are called, not whoever wrote it.
            if name is not None and link.purpose in ("invitation", "first_run"):
                rename_person(session, link.person_id, name)
            entered = self._enter(
                session,
                link.person_id,
                # A forgotten or stolen password is the person's: they come in wherever one of their places lets them.
                workspace_id=None if link.purpose in ("forgotten", "not_me") else link.workspace_id,
                method="link",
                how=f"link:{link.purpose}",
                user_agent=user_agent,
            )
        self.knocks.nothing_was_guessed(address)
        self._came_in(entered, address)
        return entered

    def pending(self, token: str) -> PendingFacts | None:
        """Return whose second step a token opens, or None."""
        with self._store.read() as session:
            return own.pending_of(session, token)

    def second_step(self, token: str, code: str, *, address: str, user_agent: str = "") -> SignedIn:
        """Finish a sign-in with a code of the app, or a recovery code.

        Raises:
            NotSignedIn: the sign-in took too long or had too many attempts.
            Malformed: the code is not right; the sign-in may be tried again a few times.
            TooMuch: too many attempts from this network address or at this account.
        """
        place = self._attempt(token, address)
        with self._store.write() as session:
            row = use_pending(session, token)
            used = use_second_factor(session, self._sealer, row.person_id, code)
            signed_in = open_session(
                session,
                row.person_id,
                lifetime_seconds=self._session_seconds,
                workspace_id=row.workspace_id,
                user_agent=user_agent,
                how=f"{row.how}+{used}",
                method=row.method,
                is_two_factor=True,
            )
        self.knocks.code_was_right(row.person_id, place)
        self._came_in(signed_in, address)
        return signed_in

    def begin_enrolment(self, token: str) -> str:
        """Return the secret of the app that is being set up on the way in; the same one until it is confirmed.

        Never one that another sign-in began: that one was shown to another browser, perhaps a stranger's.

        Raises:
            NotSignedIn: the sign-in took too long.
        """
        with self._store.write() as session:
            facts = own.pending_of(session, token)
            if facts is None or facts.needs != "enrolment":
                raise begin_again()
            waiting = unconfirmed_secret(session, self._sealer, facts.person_id, begun_by=facts.id)
            return waiting or begin_second_factor(session, self._sealer, facts.person_id, begun_by=facts.id)

    def enrol(self, token: str, code: str, *, address: str, user_agent: str = "") -> Enrolled:
        """Turn the second factor on with a code of the app, and finish the sign-in. A mail tells the person.

        Whoever enrols has shown the password only, which may be stolen.

        Raises:
            NotSignedIn, Malformed, TooMuch: as `second_step`.
        """
        place = self._attempt(token, address)
        with self._store.write() as session:
            row = use_pending(session, token)
            if needed_step(session, row.person_id, coming_to=row.workspace_id) != "enrolment":
                raise begin_again()
            codes = confirm_second_factor(session, self._sealer, row.person_id, code, begun_by=row.id)
            ended = end_one_factor_sessions(session, row.person_id)
            if self._sends_mail:
                mail_factor_notice(session, self._sealer, row.person_id)
            signed_in = open_session(
                session,
                row.person_id,
                lifetime_seconds=self._session_seconds,
                workspace_id=row.workspace_id,
                user_agent=user_agent,
                how=f"{row.how}+enrolment",
                method=row.method,
                is_two_factor=True,
            )
        self.knocks.code_was_right(row.person_id, place)
        self._came_in(signed_in, address)
        return Enrolled(signed_in, codes, ended)

    def check_password(self, principal: Principal, password: str) -> None:
        """Have the signed-in person show that it is them, before something is changed that an intruder would change.

        Raises:
            Malformed: it is not their password.
            TooMuch: too many attempts.
        """
        person_id = own_person(principal)
        self.knocks.own_password(person_id)
        with self._store.read() as session:
            stored = queries.password_hash_of(session, person_id)
        if not passwords.matches(stored, password):
            raise wrong_password("password")

    def change_password(self, principal: Principal, *, old: str, new: str, session_id: str) -> SignedIn:
        """Give the signed-in person a new password. Every session ends; the answer is a fresh one of the same kind.

        Raises:
            Malformed: `old` is not their password, or the new one is too weak.
            NotAllowed: the session was opened by a workspace's identity provider, which has no say in passwords.
        """
        person_id = own_person(principal)
        self.knocks.own_password(person_id)
        with self._store.read() as session:
            stored = queries.password_hash_of(session, person_id)
            known = own.words_known_of(session, person_id)
            kind = session_kind(session, session_id, person_id)
        if stored is not None and not passwords.matches(stored, old):
            raise wrong_password("old")
        password_hash = passwords.make_hash(new, known)
        with self._store.write() as session:
            set_password(session, person_id, password_hash)
            note_everywhere(session, person_id, "password.changed", {"how": "own"})
            return open_session(
                session,
                person_id,
                workspace_id=principal.workspace_id,
                lifetime_seconds=self._session_seconds,
                user_agent=kind.user_agent,
                how="password_changed",
                method=kind.method,
                is_two_factor=kind.is_two_factor,
            )

    def close(self) -> None:
        """Finish what was asked for."""
        if self.forgotten is not None:
            self.forgotten.close()

    def _enter(
        self,
        session: Session,
        person_id: str,
        *,
        method: str,
        how: str,
        user_agent: str,
        workspace_id: str | None = None,
    ) -> SignedIn | Pending:
        """Open the session, or the second step where one is needed."""
        needs = needed_step(session, person_id, coming_to=workspace_id)
        if needs is not None:
            return open_pending(session, person_id, needs=needs, method=method, how=how, workspace_id=workspace_id)
        return open_session(
            session,
            person_id,
            lifetime_seconds=self._session_seconds,
            workspace_id=workspace_id,
            user_agent=user_agent,
            how=how,
            method=method,
        )

    def _came_in(self, entered: SignedIn | Pending, address: str) -> None:
        """Note from where somebody came in; whoever has a second step before them has not."""
        if isinstance(entered, Pending) or entered.principal.person_id is None:
            return
        with self._store.read() as session:
            email = own.email_of(session, entered.principal.person_id)
        self.knocks.came_in(email, address)

    def _attempt(self, token: str, address: str) -> str:
        """Count an attempt at a second step, in a transaction of its own: a wrong code must not undo the count.

        Returns the place it is counted at, where that is familiar to the person.
        """
        self.knocks.address(address)
        with self._store.write() as session:
            person_id = count_attempt(session, token).person_id
            email = own.email_of(session, person_id)
        place = self.knocks.familiar_place(email, address)
        self.knocks.code(person_id, place)
        return place


def _new_password_needed() -> Malformed:
    sentence = "Choose a new password: somebody else knows the one this account has."
    return Malformed(sentence, errors={"password": [sentence]})


def wrong_password(field: str) -> Malformed:
    """Return the refusal for a present password that was typed wrong."""
    return Malformed(
        "This is not your present password.", errors={field: ["not your present password"]}, code="bad_password"
    )
