"""What each part of the process says about itself, asked at most once a second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal, get_args

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from signoff.durable.census import Census
from signoff.freezes.maintenance import standing
from signoff.kit import clock
from signoff.kit.errors import Fault
from signoff.runs.movement import movement, standstill
from signoff.tables.schema import USABLE, schema_state
from signoff.tables.session import Store

_KEPT_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
Part = Literal["database", "migrations", "worker", "queue"]
PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(slots=True)
class Readiness:
    """The checks behind `/v1/health/ready`. Anybody may ask, so the answers are kept for a second.

    Args:
        queue_seconds_max: how long work may wait while workers have room and begin none.
        places_per_worker: how many runs one worker carries at once.
    """

    store: Store
    census: Census
    queue_seconds_max: float
    places_per_worker: int
    _checks: dict[Part, str] = field(default_factory=dict[Part, str])
    _at: float = -1_000.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def checks(self) -> dict[Part, str]:
        """Return `ok`, or what is wrong, per part."""
        async with self._lock:
            if clock.monotonic_seconds() - self._at > _KEPT_SECONDS:
                try:
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        # Not through the store's threads: those wait out a database that is away.
                        self._checks = await asyncio.to_thread(self._look)
                except TimeoutError:
                    self._checks = _away(f"no answer within {_PATIENCE_SECONDS:.0f} seconds")
                self._at = clock.monotonic_seconds()
            return self._checks

    def _look(self) -> dict[Part, str]:
        try:
            with self.store.engine.connect() as connection:
                connection.execute(text("select 1"))
        except SQLAlchemyError as error:
            return _away(f"away ({type(error).__name__}): check that it runs, and SIGNOFF_DATABASE_URL")
        migrations = self._migrations()
        alive = self._alive()
        worker = alive if isinstance(alive, str) else "ok"
        if alive == 0:
            worker = "none is alive: start one with signoff worker, or signoff serve"
        queue = self._queue(0 if isinstance(alive, str) else alive)
        return {"database": "ok", "migrations": migrations, "worker": worker, "queue": queue}

    def _migrations(self) -> str:
        try:
            state = schema_state(self.store.engine)
        except (SQLAlchemyError, Fault) as error:
            return f"unknown ({type(error).__name__})"
        if state == "newer":
            return "newer: install the release that made it, or a later one"
        return "ok" if state in USABLE else f"{state}: run signoff migrate"

    def _alive(self) -> int | str:
        """Return how many workers live, or why that is not known."""
        try:
            return len(self.census.alive())
        except SQLAlchemyError as error:
            return f"unknown ({type(error).__name__})"

    def _queue(self, workers: int) -> str:
        try:
            with self.store.read() as session:
                if standing(session) is not None:
                    return "ok"  # It waits because it was told to.
                found = movement(session)
        except SQLAlchemyError as error:
            return f"unknown ({type(error).__name__})"
        places = workers * self.places_per_worker
        return standstill(found, seconds_max=self.queue_seconds_max, places=places) or "ok"


def _away(word: str) -> dict[Part, str]:
    return {"database": word, "migrations": "unknown", "worker": "unknown", "queue": "unknown"}
