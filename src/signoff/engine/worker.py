"""The engine in one process: relay, watch, sweeps, and their orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from signoff import durable
from signoff.engine.listener import listen
from signoff.engine.logins import keep_fresh
from signoff.engine.precedence import Precedence
from signoff.engine.relay import Relay
from signoff.engine.sweeps import Sweeps
from signoff.engine.watch import watch
from signoff.engine.workflows import Engine, install
from signoff.gateways.services import Services
from signoff.record import outbox

_CANCEL_AGAIN_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Worker:
    """Works on runs in this process and this event loop. At most one per process."""

    def __init__(self, precedence: Precedence | None = None) -> None:
        self._precedence = precedence
        self._engine: Engine | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._deaf: list[Any] = []

    async def start(self, services: Services) -> None:
        """Take the lease, take over from the dead, and begin. The services stay the caller's to close."""
        engine = Engine(replace(services, may_act=durable.may_act))
        self._engine = engine
        # Before the launch: a run recovered from the dead may begin at once.
        install(engine)
        await durable.launch(services.settings)
        relay = Relay(engine, self._precedence)
        loop = asyncio.get_running_loop()
        self._deaf.append(outbox.listen(lambda: _wake(loop, relay)))
        self._begin(relay.run(), watch(engine), Sweeps(engine).run(), keep_fresh(engine.services))
        if not services.store.is_sqlite:
            self._begin(listen(services.store.engine.url, relay))
        _log.info("worker %s is at work", durable.worker_id())

    def _begin(self, *loops: Coroutine[Any, Any, None]) -> None:
        self._tasks += [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """Start nothing more, give what is in flight time to end, and leave the rest to whoever comes next."""
        engine = self._engine
        if engine is None:
            return
        for stop_listening in self._deaf:
            stop_listening()
        left = set(self._tasks)
        while left:
            # Again and again: a library may lose a cancellation that comes at the moment its own wait ends.
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)
        for task in self._tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("a loop of the worker had ended by itself", exc_info=error)
        # A loop that was stopped while it connected holds that half-made connection for as long as it is held itself.
        self._tasks.clear()
        await engine.flights.drained(engine.services.settings.shutdown_grace_seconds)
        await engine.flights.abandon()
        await durable.shutdown()
        install(None)
        self._engine = None


def _wake(loop: asyncio.AbstractEventLoop, relay: Relay) -> None:
    # Commits happen in the store's threads.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(relay.wake)
