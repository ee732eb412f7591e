"""How often somebody may knock: per network address, per account or person, and for the whole installation."""

from __future__ import annotations

from signoff.kit.errors import TooMuch
from signoff.kit.networks import counted_as
from signoff.kit.rates import Rates
from signoff.people import throttle
from signoff.tables.session import Store

EVERYBODY = "everybody"
# Six digits can be guessed: whoever knows a password gets a few tries at once, then one every two minutes.
CODES_AT_ONCE, CODES_PER_MINUTE = 5, 0.5
# A mailbox is not to be filled by somebody else.
MAILS_AT_ONCE, MAILS_PER_MINUTE = 3, 0.05
# So long after they last came in from somewhere a person's address is theirs, and no stranger's.
FAMILIAR_SECONDS = 90 * 86_400


class Knocks:
    """Counts attempts at accounts in the database, over all processes; a flood is refused in memory before that.

    An address from which a person came in before is familiar to their account and has a count of its own: what others
    try from elsewhere keeps nobody out.
    """

    def __init__(self, store: Store, *, per_minute: int, total_per_minute: int) -> None:
        self._store = store
        self._per_minute, self._total = per_minute, total_per_minute
        # They refuse a flood without asking the database each time.
        self._addresses = Rates(per_minute)
        self._accounts = Rates(per_minute)

    def address(self, address: str) -> None:
        """Count one attempt from a network address.

        Raises:
            TooMuch: it made too many in this process.
        """
        grant = self._addresses.take(counted_as(address))
        if not grant.is_allowed:
            raise too_many(grant.reset_seconds)

    def nothing_was_guessed(self, address: str) -> None:
        """Give a network address its allowance back: whoever holds a link that works once guesses nothing, and many may
        come in from one office in a minute."""
        self._addresses.forget(counted_as(address))

    def account(self, email: str, address: str) -> None:
        """Count one attempt at an account, whether it exists or not, from an address, and one for everybody.

        From an address that is familiar to the account, count one from there, and nothing else.

        Raises:
            TooMuch: too many were made, in all processes together.
        """
        is_familiar = bool(self.familiar_place(email, address))
        key = _from_there(email, address) if is_familiar else f"account:{plain(email)}"
        grant = self._accounts.take(key)
        if not grant.is_allowed:
            raise too_many(grant.reset_seconds)
        with self._store.write() as session:
            wait = throttle.take(session, key, per_minute=self._per_minute, at_once=self._per_minute)
            if not wait and not is_familiar:
                place = f"address:{counted_as(address)}"
                wait = throttle.take(session, place, per_minute=self._per_minute, at_once=self._per_minute)
            if not wait and not is_familiar:
                wait = throttle.take(session, EVERYBODY, per_minute=self._total, at_once=self._total)
        if wait:
            raise too_many(wait)

    def came_in(self, email: str, address: str) -> None:
        """Note that an account's person came in from an address: it is familiar, with its whole allowance.

        What was tried from elsewhere stays counted.
        """
        key = _from_there(email, address)
        self._accounts.forget(key)
        with self._store.write() as session:
            throttle.keep(session, _familiar(email, address), FAMILIAR_SECONDS)
            throttle.forget(session, key)

    def familiar_place(self, email: str, address: str) -> str:
        """Return how an address is counted where it is familiar to the account; else nothing."""
        with self._store.read() as session:
            is_familiar = throttle.is_kept(session, _familiar(email, address))
        return counted_as(address) if is_familiar else ""

    def code(self, person_id: str, place: str = "") -> None:
        """Count one attempt at a person's second factor; from a place that is familiar to them by itself.

        Raises:
            TooMuch: too many were made.
        """
        self._few(f"code:{person_id}{place}", CODES_PER_MINUTE, CODES_AT_ONCE)

    def code_was_right(self, person_id: str, place: str = "") -> None:
        """Give a person's second factor its whole allowance back, there: they have it."""
        with self._store.write() as session:
            throttle.forget(session, f"code:{person_id}{place}")

    def own_password(self, person_id: str) -> None:
        """Count one attempt at the password behind a session. Not the same count as codes: one proves not the other.

        Raises:
            TooMuch: too many were made.
        """
        self._few(f"password:{person_id}", CODES_PER_MINUTE, CODES_AT_ONCE)

    def mail(self, email: str) -> None:
        """Count one mail that somebody asks for in the name of an account.

        Raises:
            TooMuch: too many were asked for.
        """
        self._few(f"mail:{plain(email)}", MAILS_PER_MINUTE, MAILS_AT_ONCE)

    def _few(self, key: str, per_minute: float, at_once: int) -> None:
        with self._store.write() as session:
            wait = throttle.take(session, key, per_minute=per_minute, at_once=at_once)
        if wait:
            raise too_many(wait)


def _familiar(email: str, address: str) -> str:
    return f"familiar:{plain(email)}@{counted_as(address)}"


def _from_there(email: str, address: str) -> str:
    return f"account:{plain(email)}@{counted_as(address)}"


def plain(email: str) -> str:
    """Return an address as attempts at it are counted."""
    return email.strip().lower()[:200]


def too_many(seconds: int) -> TooMuch:
    """Return the refusal, with how long to wait."""
    return TooMuch(
        f"Too many attempts. Try again in {seconds} seconds.", retry_after_seconds=seconds, code="too_many_attempts"
    )
