"""Access tokens are replaced before they run out: looked for by every worker, each refreshed by one."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import SQLAlchemyError

from signoff.connections.logins.authorising import forget_attempts
from signoff.connections.logins.queries import DueLogin, due_logins
from signoff.connections.logins.refreshing import refresh_now
from signoff.gateways.services import Services
from signoff.kit import chance

_log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
_AT_ONCE = 8


async def refresh_due(services: Services) -> int:
    """Refresh every login whose time has come. Returns how many have another token now."""
    due = await services.store.read_async(due_logins)
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(login: DueLogin) -> bool:
        async with room:
            return await refresh_now(services.store, services, login.id, login.version)

    done = await asyncio.gather(*(one(login) for login in due), return_exceptions=True)
    for problem in done:
        if isinstance(problem, Exception):
            _log.warning("a login could not be refreshed: %s", type(problem).__name__)
    return sum(1 for found in done if found is True)


async def keep_fresh(services: Services) -> None:
    """Refresh what is due, every few seconds, until cancelled."""
    while True:
        try:
            await refresh_due(services)
            await services.store.write_async(forget_attempts)
        except SQLAlchemyError:
            _log.exception("the logins could not be looked through; it is tried again")
        await asyncio.sleep(chance.jittered(EVERY_SECONDS))
