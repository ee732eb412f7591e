"""The one place that reads the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment, in UTC, with its zone."""
    return datetime.now(UTC)


def monotonic_seconds() -> float:
    """Return seconds from an unspecified start that never go backwards; for durations only."""
    return time.monotonic()


def as_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC. A moment without a zone is refused: it could mean anything.

    Raises:
        ValueError: `moment` has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)
