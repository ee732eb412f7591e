"""What is thrown away when its time is over: sessions, sign-ins never finished, answers kept for repeated requests."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from signoff.api.once import KEPT, sweep_answers
from signoff.kit import clock
from signoff.people.actions import sweep_sessions
from signoff.people.actions.attempts import sweep_attempts
from signoff.tables.session import Store

log = logging.getLogger(__name__)

EVERY_SECONDS = 3_600
# A session that is over stays listed for a while, so that its person can see there was one.
_SESSION_KEPT = timedelta(days=7)


def tidy(session: Session) -> None:
    """Delete what nobody needs any more."""
    moment = clock.now()
    sweep_answers(session, before=moment - KEPT)
    sweep_sessions(session, before=moment - _SESSION_KEPT)
    sweep_attempts(session, before=moment)


async def keep_tidy(store: Store) -> None:
    """Tidy now and every hour, until cancelled."""
    while True:
        try:
            await store.write_async(tidy)
        except SQLAlchemyError as error:
            log.warning("tidying failed; it is tried again in an hour", extra={"error": type(error).__name__})
        await asyncio.sleep(EVERY_SECONDS)
