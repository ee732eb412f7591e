"""Tries the connections of a release as it switches. The network is spoken to with no session open."""

from __future__ import annotations

import asyncio

from signoff.connections.discovery import HasPoolAndVault, check
from signoff.gateways.services import Services
from signoff.kit.errors import Refusal
from signoff.people.access import system
from signoff.record.outbox import Message
from signoff.releases.actions import Tried, keep_activations
from signoff.releases.activations import ToTry, to_try
from signoff.tables.session import Store

# A system that is slower than this does not serve a run either.
_SECONDS_MAX = 15.0
_AT_ONCE = 8


async def activate(store: Store, services: HasPoolAndVault, release_id: str) -> None:
    """Try what was not tried yet, and keep what came of it. A second caller finds nothing to do."""
    found = await store.read_async(to_try, release_id)
    if found is None:
        return
    workspace_id, wanted = found
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(connection: ToTry) -> tuple[str, Tried]:
        async with room:
            return connection.slot, await _try(store, services, workspace_id, connection)

    tried = dict(await asyncio.gather(*(one(connection) for connection in wanted)))
    await store.write_async(keep_activations, release_id, tried)


async def activate_one(services: Services, message: Message) -> None:
    """Try the connections of the release that a message was left for."""
    await activate(services.store, services, message.payload["release"])


async def _try(store: Store, services: HasPoolAndVault, workspace_id: str, connection: ToTry) -> Tried:
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            found = await check(store, services, system(workspace_id), connection.connection_id)
    except TimeoutError:
        return Tried(False, _SECONDS_MAX, f"It did not answer within {_SECONDS_MAX:g} seconds.", "timeout")
    except Refusal as refusal:
        # Switched off, without its secret, or gone since: it does not work here now.
        return Tried(False, 0.0, refusal.detail, refusal.code)
    return Tried(found.ok, found.seconds, found.error, found.code)
