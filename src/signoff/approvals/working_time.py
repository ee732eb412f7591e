"""Minutes that count only while somebody works: clock times of a zone become moments, over changes of the clock. Pure.

A clock time that a change skips is the moment of the change; one that comes twice is its first coming.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from signoff.agents.hours import DAYS

# How far is looked, in steps, because nearly always a few days are enough. After the last, minutes are counted as they
# come: nobody must wait for ever.
_DAYS = (10, 60, 400)


@dataclass(frozen=True, slots=True)
class Shift:
    """When one person works: day of the week → spans `[from, to]`, in a zone."""

    hours: Mapping[str, Any]
    zone: str


def after_working_minutes(start: datetime, minutes: int, shifts: Sequence[Shift]) -> datetime:
    """Return the moment at which so many minutes have gone by in which at least one of them works.

    Nobody of whom it is known when they work: minutes are counted as they come.
    """
    known = [shift for shift in shifts if shift.hours]
    if known:
        for days in _DAYS:
            found = _reached(start, timedelta(minutes=minutes), _joined(known, start, days))
            # Near the edge the days of some zone are still missing.
            if found is not None and found < start + timedelta(days=days - 2):
                return found
    return start + timedelta(minutes=minutes)


def moment_at(day: date, text: str, zone: str) -> datetime:
    """Return the moment at which a clock in `zone` shows HH:MM on a day; 24:00 is the day's end."""
    if text == "24:00":
        day, text = day + timedelta(days=1), "00:00"
    there = ZoneInfo(zone)
    shown = datetime.combine(day, time.fromisoformat(text))
    # Skipped by a change of the clock: on to the first minute that is shown.
    for _ in range(24 * 60):
        moment = shown.replace(tzinfo=there).astimezone(UTC)
        if moment.astimezone(there).replace(tzinfo=None) == shown:
            return moment
        shown += timedelta(minutes=1)
    return shown.replace(tzinfo=UTC)


def _reached(start: datetime, left: timedelta, spans: Sequence[tuple[datetime, datetime]]) -> datetime | None:
    for begins, ends in spans:
        worked = ends - max(begins, start)
        if worked >= left:
            return max(begins, start) + left
        left -= max(worked, timedelta(0))
    return None


def _joined(shifts: Sequence[Shift], start: datetime, days: int) -> list[tuple[datetime, datetime]]:
    """Return the spans in which at least one works, from the day before on: it may be that day still somewhere."""
    first = start.date() - timedelta(days=1)
    spans = sorted(
        (moment_at(day, begins, shift.zone), moment_at(day, ends, shift.zone))
        for day in (first + timedelta(days=number) for number in range(days))
        for shift in shifts
        for begins, ends in shift.hours.get(DAYS[day.weekday()], ())
    )
    found: list[tuple[datetime, datetime]] = []
    for begins, ends in spans:
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        else:
            found.append((begins, ends))
    return found
