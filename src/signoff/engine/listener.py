"""Hears, on Postgres, what other processes say: of a message in the outbox, of requests that wait. One connection."""

from __future__ import annotations

import asyncio
import logging

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL

from signoff.engine import crowding
from signoff.engine.relay import Relay
from signoff.record.outbox import CHANNEL

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 2.0


async def listen(url: URL, relay: Relay) -> None:
    """Pass on to the relay what is said, until cancelled. Without a connection the relay still polls."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(address, autocommit=True, connect_timeout=5) as connection:
                for channel in (CHANNEL, crowding.CHANNEL):
                    await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                relay.wake()
                async for told in connection.notifies():
                    if told.channel == CHANNEL:
                        relay.wake()
                    elif told.payload == crowding.machine():
                        relay.hear_of_crowd()
        except psycopg.Error as error:
            _log.warning("lost the connection that hears of new runs (%s); polling meanwhile", type(error).__name__)
        await asyncio.sleep(_RETRY_SECONDS)
