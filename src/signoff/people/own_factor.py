"""A signed-in person's own second factor. Each step takes proof that it is them, and guessing is throttled.

A session that a workspace's identity provider opened reaches none of it: `NotAllowed`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from signoff.kit.sealing import Sealer
from signoff.people.access import Principal, own_person
from signoff.people.actions.one_factor import end_one_factor_sessions
from signoff.people.actions.profile import mark_two_factor
from signoff.people.actions.second_factors import (
    begin_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    turn_off_second_factor,
    unconfirmed_secret,
    use_second_factor,
)
from signoff.people.actions.setup_links import mail_factor_notice
from signoff.people.knocks import Knocks
from signoff.tables.session import Store


@dataclass(frozen=True, slots=True)
class TurnedOn:
    """The recovery codes, which are shown once, the token by which the session goes on, and how many others ended."""

    codes: list[str] = field(repr=False)
    session_token: str = field(repr=False)
    ended: int = 0


class OwnFactor:
    """Sets up, renews and turns off the second factor of the person who is signed in."""

    def __init__(self, store: Store, sealer: Sealer, knocks: Knocks, *, sends_mail: bool = False) -> None:
        self._store, self._sealer, self._knocks = store, sealer, knocks
        self._sends_mail = sends_mail

    def begin(self, principal: Principal) -> str:
        """Return a fresh secret for an app. The caller has shown their password before.

        Raises:
            NotNow: a second factor is on already.
        """
        with self._store.write() as session:
            return begin_second_factor(session, self._sealer, own_person(principal))

    def is_waiting(self, principal: Principal, secret: str) -> bool:
        """Return whether `secret` waits for its first code. It is told to nobody who has not got it."""
        with self._store.read() as session:
            waiting = unconfirmed_secret(session, self._sealer, own_person(principal))
        return waiting is not None and hmac.compare_digest(waiting.encode(), secret.encode(errors="replace"))

    def confirm(self, principal: Principal, code: str, *, session_id: str) -> TurnedOn:
        """Turn it on with a code of the app. Sessions that were opened without one end. A mail tells the person.

        Raises:
            Malformed: the code is not right. TooMuch: too many attempts.
        """
        person_id = own_person(principal)
        self._knocks.code(person_id)
        with self._store.write() as session:
            codes = confirm_second_factor(session, self._sealer, person_id, code)
            token = mark_two_factor(session, session_id, person_id)
            ended = end_one_factor_sessions(session, person_id, but=session_id)
            if self._sends_mail:
                mail_factor_notice(session, self._sealer, person_id)
        self._knocks.code_was_right(person_id)
        return TurnedOn(codes, token, ended)

    def renew_codes(self, principal: Principal, code: str) -> list[str]:
        """Replace the recovery codes; return the new ones, which are shown once.

        Raises:
            Malformed: `code` is not right. TooMuch: too many attempts.
        """
        person_id = own_person(principal)
        self._knocks.code(person_id)
        with self._store.write() as session:
            use_second_factor(session, self._sealer, person_id, code)
            codes = renew_recovery_codes(session, person_id)
        self._knocks.code_was_right(person_id)
        return codes

    def turn_off(self, principal: Principal, code: str) -> None:
        """Take it away.

        Raises:
            Malformed: `code` is not right. TooMuch: too many attempts.
        """
        person_id = own_person(principal)
        self._knocks.code(person_id)
        with self._store.write() as session:
            use_second_factor(session, self._sealer, person_id, code)
            turn_off_second_factor(session, person_id)
        self._knocks.code_was_right(person_id)
