"""Forgotten passwords: whoever asks is answered at once and alike; the looking and the writing happen after that.

A thread of its own does them, so that neither the answer's words nor its time tell whether there is such an account.
What is lost when the process ends in that moment is a request, which its person makes again; once written, the mail
is in the outbox and is sent.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.exc import SQLAlchemyError

from signoff.kit.errors import Refusal
from signoff.kit.sealing import Sealer
from signoff.people.actions.setup_links import mail_forgotten_link
from signoff.people.knocks import Knocks
from signoff.tables.session import Store

log = logging.getLogger(__name__)

_WAITING_MAX = 500


class Forgotten:
    """Has links for forgotten passwords mailed.

    Args:
        link_seconds: how long such a link is good.
    """

    def __init__(self, store: Store, sealer: Sealer, knocks: Knocks, *, link_seconds: int) -> None:
        self._store, self._sealer, self._knocks = store, sealer, knocks
        self._link_seconds = link_seconds
        self._room = threading.BoundedSemaphore(_WAITING_MAX)
        self._later = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forgotten")

    def ask(self, email: str, *, address: str) -> None:
        """Take a request for a mail. It returns nothing: who has an account is not told.

        Raises:
            TooMuch: too many from this network address, or for this account, whether it exists or not.
        """
        self._knocks.address(address)
        self._knocks.mail(email)
        if not self._room.acquire(blocking=False):
            log.warning("too many people ask for a new password at once; a request was dropped")
            return
        self._later.submit(self._work, email)

    def _work(self, email: str) -> None:
        try:
            with self._store.write() as session:
                mail_forgotten_link(session, self._sealer, email, lifetime_seconds=self._link_seconds)
        except (SQLAlchemyError, Refusal) as error:
            log.warning("a link for a forgotten password was not made", extra={"error": type(error).__name__})
        finally:
            self._room.release()

    def settle(self) -> None:
        """Return once all that was asked until now is done."""
        self._later.submit(lambda: None).result()

    def close(self) -> None:
        """Finish what was asked, and take no more."""
        self._later.shutdown(wait=True)
