"""Whether maintenance stands, as a process knows it: asked with every request, read at most once a second."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

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
    _is_known: bool = False
    _asked_at: float = -1_000.0

    async def standing(self) -> MaintenanceFacts | None:
        """Return the maintenance that stands, if any.

        Whoever finds it old asks anew, and the others go by what was known meanwhile: nobody waits for somebody else's
        question, also not while the database is away. Only before the first answer everybody asks.
        """
        moment = clock.monotonic_seconds()
        if not self._is_known or moment - self._asked_at >= self.kept_seconds:
            self._asked_at = moment
            with suppress(SQLAlchemyError):
                self._known = await self.store.read_async(standing)
                self._is_known = True
        known = self._known
        return known if known is not None and known.stands(clock.now()) else None
