"""When a window is open, by the clock on the wall of its zone; exact over every change of that clock. Pure.

A wall clock that skips an hour, or shows one twice, is taken at its word: the window is open whenever that clock shows
a time in it. So an opening that is skipped comes with the first moment after the gap, and one shown twice comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from signoff.agents.rules import Day, Window

# A window that does not open for so long never does.
HORIZON_DAYS = 400
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE = timedelta(days=1)
# Between two looks at a zone's offset; no zone has changed its clock twice within that.
_LOOK_EVERY = timedelta(hours=6)
_MIDNIGHT = 24 * 60
# Files beside the zones that say what this machine calls its own.
_OF_THE_MACHINE = ("localtime", "posixrules", "Factory")


def zone_named(name: str) -> ZoneInfo | None:
    """Return a time zone by its IANA name; None when there is none, or it means another on each machine."""
    if name in _OF_THE_MACHINE:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # A folder of zones, or a path out of it, is no zone.
        return None


def is_open(window: Window, zone: ZoneInfo, moment: datetime) -> bool:
    """Return whether the wall clock of `zone` shows a time in the window."""
    there = moment.astimezone(zone)
    day, clock = there.date(), there.hour * 60 + there.minute
    if day in window.holidays:
        return False
    opens, closes = _minutes(window.opens), _minutes(window.closes)
    if opens < closes:
        return _opens_on(window, day) and opens <= clock < closes
    if opens == closes:
        return False
    return (_opens_on(window, day) and clock >= opens) or (_opens_on(window, day - _ONE) and clock < closes)


def next_opening(windows: Sequence[tuple[Window, ZoneInfo]], moment: datetime) -> datetime | None:
    """Return the first moment, in UTC, at which all these windows are open: `moment` itself when they are.

    None when they are not open together within 400 days.
    """
    found = moment.astimezone(UTC)
    end = found + timedelta(days=HORIZON_DAYS)
    while found <= end:
        latest = found
        for window, zone in windows:
            opening = _opening(window, zone, latest, end)
            if opening is None:
                return None
            latest = opening
        if latest == found:
            return found
        found = latest
    return None


def _opening(window: Window, zone: ZoneInfo, moment: datetime, end: datetime) -> datetime | None:
    if is_open(window, zone, moment):
        return moment
    day = moment.astimezone(zone).date()
    while True:
        turns = sorted(set(_turns(window, zone, day)))
        for turn in turns:
            if turn > end:
                return None
            if turn > moment and is_open(window, zone, turn):
                return turn
        day += _ONE


def _turns(window: Window, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    """Yield every moment of a day at which a window could open: its time, midnight, and each change of the clock."""
    opens = _minutes(window.opens)
    for minutes in (0, opens if opens < _MIDNIGHT else 0):
        for fold in (0, 1):
            yield _moment(day, minutes, zone, fold)
    before, end = _moment(day, 0, zone, 0), _moment(day + _ONE, 0, zone, 1)
    while before < end:
        after = min(before + _LOOK_EVERY, end)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            yield _change(zone, before, after)
        before = after


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the second at which the offset of `zone` changed between two moments."""
    old = before.astimezone(zone).utcoffset()
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _moment(day: date, minutes: int, zone: ZoneInfo, fold: int) -> datetime:
    wall = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone)
    return wall.replace(fold=fold).astimezone(UTC)


def _opens_on(window: Window, day: date) -> bool:
    return _DAYS[day.weekday()] in window.days and day not in window.holidays


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
