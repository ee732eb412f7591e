"""Whether maintenance stands, as a process knows it: asked with every request, read at most once a second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from signoff.freezes.maintenance import MaintenanceFacts, standing
from signoff.kit import clock
from signoff.tables.session import Store

KEPT_SECONDS = 1.0


@dataclass(slots=True)
class Lookout:
    """Knows of maintenance within `kept_seconds`. While the database is away, what was known last holds."""

    store: Store
    kept_seconds: float = KEPT_SECONDS
    _known: MaintenanceFacts | None = None
    _at: float = -1_000.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def standing(self) -> MaintenanceFacts | None:
        """Return the maintenance that stands, if any."""
        async with self._lock:
            if clock.monotonic_seconds() - self._at >= self.kept_seconds:
                try:
                    self._known = await self.store.read_async(standing)
                except SQLAlchemyError:
                    return self._known
                self._at = clock.monotonic_seconds()
        known = self._known
        return known if known is not None and known.stands(clock.now()) else None
