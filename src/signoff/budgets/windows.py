"""The spans money is counted in: a day, a week, a month of a time zone. They follow from the moment; nothing ticks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = get_args(Period)


@dataclass(frozen=True, slots=True)
class Span:
    """One day, week or month: its name (`2026-11-20`, `2026-W47`, `2026-11`) and its first and last moment."""

    key: str
    start: datetime
    end: datetime

    def share_gone(self, now: datetime) -> float:
        """Return how much of it has passed, from 0 to 1."""
        # In UTC: a day on which the clocks change has 23 or 25 hours.
        whole = self.end.timestamp() - self.start.timestamp()
        return min(max((now.timestamp() - self.start.timestamp()) / whole, 0.0), 1.0)


def zone_of(time_zone: str) -> ZoneInfo:
    """Return a time zone by its name. An unknown one counts as UTC."""
    try:
        return ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def key_of(period: Period, today: date) -> str:
    """Return the name of the day, week or month that a date is in. Weeks begin on Monday."""
    if period == "day":
        return today.isoformat()
    if period == "month":
        return f"{today:%Y-%m}"
    week = today.isocalendar()
    return f"{week.year}-W{week.week:02d}"


def span_at(period: Period, time_zone: str, now: datetime) -> Span:
    """Return the day, week or month that `now` is in."""
    zone = zone_of(time_zone)
    today = now.astimezone(zone).date()
    first, following = _edges(period, today)
    return Span(key_of(period, today), _midnight(first, zone), _midnight(following, zone))


def _edges(period: Period, today: date) -> tuple[date, date]:
    if period == "day":
        return today, today + timedelta(days=1)
    if period == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    first = today.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)
