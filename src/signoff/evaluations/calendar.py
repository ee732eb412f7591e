"""When a dataset is evaluated next. Pure: it follows from the moment and the time zone; nothing ticks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from signoff.budgets.windows import zone_of
from signoff.evaluations.states import Every

_DAYS: dict[Every, int] = {"day": 1, "week": 7}


def next_time(every: Every, at_hour: int, time_zone: str, now: datetime) -> datetime:
    """Return the first moment after `now` at an hour of the zone's clock: of each day, or of each Monday."""
    zone = zone_of(time_zone)
    day = now.astimezone(zone).date()
    if every == "week":
        day -= timedelta(days=day.weekday())
    while True:
        moment = datetime.combine(day, time(at_hour), zone).astimezone(UTC)
        if moment > now:
            return moment
        day += timedelta(days=_DAYS[every])
