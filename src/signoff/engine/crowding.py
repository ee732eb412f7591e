"""Requests go first, also before the workers of other processes on the same machine. On Postgres only.

Where what serves, what works and the database share a few cores, runs that begin take from requests what these wait
for. So a process whose requests wait says so through the database, and the workers of its machine begin fewer runs for
a moment. Those of other machines do not: they have cores of their own.
"""

from __future__ import annotations

import asyncio
import logging
import platform
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from signoff.tables.session import Store

CHANNEL = "signoff_crowded"
EVERY_SECONDS = 0.5
# From here on requests wait for the processor or the database, and not for each other's usual work.
WAIT_SECONDS = 0.25
_log = logging.getLogger(__name__)


def machine() -> str:
    """Return the name of this machine; in a container, of the container."""
    return platform.node()


async def tell_of_crowds(store: Store, wait_seconds: Callable[[], float]) -> None:
    """Say, until cancelled, whenever requests wait longer than they should.

    Args:
        store: what requests do not wait for.
        wait_seconds: how long the request that waits longest does by now.
    """
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        if wait_seconds() < WAIT_SECONDS:
            continue
        try:
            await store.write_async(say, machine())
        except SQLAlchemyError as error:
            _log.warning("could not say that requests wait (%s)", type(error).__name__)


def say(session: Session, machine: str) -> None:
    """Say that requests wait on a machine."""
    session.execute(select(func.pg_notify(CHANNEL, machine)))
