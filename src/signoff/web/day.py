"""Where the reader's day begins: "today" is theirs, not the server's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.requests import Request

from signoff.kit import clock
from signoff.web.chrome import chrome_of, zone_info


def start_of_day(request: Request) -> datetime:
    """Return the last midnight in the reader's zone, in UTC."""
    zone = zone_info(chrome_of(request).zone)
    local = clock.now().astimezone(zone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=zone)
    # Where clocks jump at midnight, that wall time may lie ahead.
    return min(midnight.astimezone(UTC), clock.now() - timedelta(seconds=1))
