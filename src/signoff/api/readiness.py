"""What each part of the process says about itself, asked at most once a second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from signoff.durable.census import Census
from signoff.kit import clock
from signoff.kit.errors import Fault
from signoff.tables.migrate import schema_state
from signoff.tables.session import Store

_KEPT_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class Readiness:
    """The checks behind `/v1/health/ready`. Anybody may ask, so the answers are kept for a second."""

    store: Store
    census: Census
    _checks: dict[str, str] = field(default_factory=dict[str, str])
    _at: float = -1_000.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def checks(self) -> dict[str, str]:
        """Return `ok`, or what is wrong, per part."""
        async with self._lock:
            if clock.monotonic_seconds() - self._at > _KEPT_SECONDS:
                try:
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        # Not through the store's threads: those wait out a database that is away.
                        self._checks = await asyncio.to_thread(self._look)
                except TimeoutError:
                    self._checks = {"database": f"no answer within {_PATIENCE_SECONDS:.0f} seconds"}
                self._at = clock.monotonic_seconds()
            return self._checks

    def _look(self) -> dict[str, str]:
        try:
            with self.store.engine.connect() as connection:
                connection.execute(text("select 1"))
        except SQLAlchemyError as error:
            away = f"away ({type(error).__name__}): check that it runs, and SIGNOFF_DATABASE_URL"
            return {"database": away, "migrations": "unknown", "worker": "unknown"}
        return {"database": "ok", "migrations": self._migrations(), "worker": self._worker()}

    def _migrations(self) -> str:
        try:
            state = schema_state(self.store.engine)
        except (SQLAlchemyError, Fault) as error:
            return f"unknown ({type(error).__name__})"
        return "ok" if state == "current" else f"{state}: run signoff migrate"

    def _worker(self) -> str:
        try:
            alive = self.census.alive()
        except SQLAlchemyError as error:
            return f"unknown ({type(error).__name__})"
        return "ok" if alive else "none is alive: start one with signoff worker, or signoff serve"
