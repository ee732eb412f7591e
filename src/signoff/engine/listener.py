"""Hears, on Postgres, that another process has left a message in the outbox. One connection per process."""

from __future__ import annotations

import asyncio
import logging

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from signoff.engine.relay import Relay
from signoff.record.outbox import CHANNEL

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 2.0


async def listen(url: URL, relay: Relay) -> None:
    """Wake the relay for each notification until cancelled. Without a connection the relay still polls."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(address, autocommit=True, connect_timeout=5) as connection:
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(CHANNEL)))
                relay.wake()
                async for _ in connection.notifies():
                    relay.wake()
        except psycopg.Error as error:
            _log.warning("lost the connection that hears of new runs (%s); polling meanwhile", type(error).__name__)
        await asyncio.sleep(_RETRY_SECONDS)
