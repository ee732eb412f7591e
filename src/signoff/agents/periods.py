"""The periods in which a cap counts: which one a moment is in, and when it ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from signoff.agents.rules import Cap, CapPer
from signoff.kit.canonical import content_hash

# A run has no end that is known before; its count is kept for longer than any run waits.
_RUN_DAYS = 400


@dataclass(frozen=True, slots=True)
class Period:
    """One period. `name` tells it from every other of its kind."""

    name: str
    ends_at: datetime


def period_of(per: CapPer, zone: ZoneInfo, moment: datetime) -> Period:
    """Return the period that `moment` is in, by the wall clock of `zone`."""
    there = moment.astimezone(zone)
    if per == "run":
        return Period("run", moment + timedelta(days=_RUN_DAYS))
    if per in ("minute", "hour"):
        # Named by the moment it began in UTC: an hour that the wall clock shows twice is two hours.
        minute = there.minute if per == "minute" else 0
        begun = there.replace(minute=minute, second=0, microsecond=0).astimezone(UTC)
        length = timedelta(minutes=1) if per == "minute" else timedelta(hours=1)
        return Period(begun.isoformat(timespec="minutes"), begun + length)
    if per == "day":
        return Period(there.date().isoformat(), _midnight(there.date() + timedelta(days=1), zone))
    year, week, day = there.date().isocalendar()
    return Period(f"{year}-W{week:02}", _midnight(there.date() + timedelta(days=8 - day), zone))


def is_in_force(cap: Cap, zone: ZoneInfo, moment: datetime) -> bool:
    """Return whether a cap holds at a moment: up to the end of its last day."""
    return cap.until is None or moment.astimezone(zone).date() <= cap.until


def identity_of(cap: Cap) -> str:
    """Return what tells this cap's count from another's.

    How many it allows, and until when, is not part of it: a revision that raises a cap goes on counting.
    """
    return content_hash([cap.per, sorted(set(cap.tools)), sorted(set(cap.effects))])[:16]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
