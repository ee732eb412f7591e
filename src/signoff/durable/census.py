"""Who works, as seen from a process that may not work itself: for health, metrics and the command line."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from signoff.durable import presence
from signoff.durable.door import lease_engine
from signoff.durable.lease import Lease, WorkerFacts
from signoff.settings import Settings


class Census:
    """Counts workers. Opens the engine's database only when it is asked, and only to read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engine: sa.Engine | None = None

    def workers(self) -> list[WorkerFacts]:
        """Return the processes of the last day, the living first; blocking. Empty when no engine was ever here."""
        if presence.held() is not None:
            return presence.workers()
        if self._engine is None:
            self._engine = lease_engine(self._settings.durable_url)
        reader = Lease(self._engine, worker="", ttl_seconds=self._settings.lease_seconds, beat_seconds=1)
        try:
            return reader.workers()
        except DBAPIError as error:
            if error.connection_invalidated or "signoff_workers" not in str(error.orig):
                raise
            return []

    def alive(self) -> list[WorkerFacts]:
        """Return those that were heard of within their lease."""
        limit = self._settings.lease_seconds
        return [worker for worker in self.workers() if worker.state == "live" and worker.beat_seconds_ago < limit]

    def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()
