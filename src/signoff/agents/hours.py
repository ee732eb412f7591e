"""When somebody works: for each day of the week some spans of time, in a time zone. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from signoff.kit.errors import Malformed

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPANS_MAX = 6
Hours = dict[str, list[list[str]]]

_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")
_SPAN = re.compile(r"\s*(\d{1,2}:\d{2})\s*(?:-|–|to)\s*(\d{1,2}:\d{2})\s*")


def checked_zone(name: str | None) -> str | None:
    """Return a time zone's name, such as `Europe/Berlin`; None when it is empty.

    Raises:
        Malformed: there is no such time zone.
    """
    wanted = (name or "").strip()
    if not wanted:
        return None
    try:
        ZoneInfo(wanted)
    except (KeyError, ValueError, OSError) as error:  # A folder of zones, or a path out of it, is no zone.
        sentence = "There is no such time zone. Write it like Europe/Berlin or America/New_York."
        raise Malformed(sentence, errors={"time_zone": [sentence]}) from error
    return wanted


def checked_hours(hours: Mapping[str, Any] | None) -> Hours:
    """Return hours as they are kept: known days only, each span with its start before its end, none overlapping.

    Raises:
        Malformed: they are not; `errors` says at which day.
    """
    kept: Hours = {}
    for day, spans in (hours or {}).items():
        if day not in DAYS:
            _wrong("hours", f"{day[:20]!r} is not a day; the days are {', '.join(DAYS)}.")
        if not isinstance(spans, list) or len(cast("list[Any]", spans)) > SPANS_MAX:
            _wrong(day, f"A day has at most {SPANS_MAX} spans, each [from, to].")
        found = sorted(_span(day, one) for one in cast("list[Any]", spans))
        if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(found)):
            _wrong(day, "Two spans of this day overlap.")
        if found:
            kept[day] = [list(one) for one in found]
    return {day: kept[day] for day in DAYS if day in kept}


def read_hours(texts: Mapping[str, str]) -> Hours:
    """Return the hours that a form says: day → `09:00-12:30, 14:00-17:00`.

    Raises:
        Malformed: a day cannot be read; `errors` says which.
    """
    found: dict[str, list[list[str]]] = {}
    for day, text in texts.items():
        for part in (one for one in text[:200].split(",") if one.strip()):
            match = _SPAN.fullmatch(part)
            if match is None:
                _wrong(day, "Write the hours like 09:00-17:00, several with a comma between.")
            else:
                found.setdefault(day, []).append([match[1].zfill(5), match[2].zfill(5)])
    return checked_hours(found)


def hours_text(spans: Sequence[Sequence[str]]) -> str:
    """Return the spans of one day as a form shows them."""
    return ", ".join(f"{start}-{end}" for start, end in spans)


def is_working(hours: Mapping[str, Any], zone: str | None, moment: datetime) -> bool | None:
    """Return whether somebody works at a moment; None when nothing is said about when they do."""
    if not hours:
        return None
    there = moment.astimezone(ZoneInfo(zone or "UTC"))
    clock = there.strftime("%H:%M")
    return any(start <= clock < end for start, end in hours.get(DAYS[there.weekday()], ()))


def _span(day: str, value: Any) -> tuple[str, str]:
    if isinstance(value, list | tuple) and len(cast("list[Any]", value)) == 2:
        start, end = (str(one) for one in cast("list[Any]", value))
        if _TIME.fullmatch(start) and _TIME.fullmatch(end) and start < end:
            return start, end
    _wrong(day, "Each span is [from, to], such as 09:00 to 17:00, with the start before the end; 24:00 ends a day.")
    raise AssertionError


def _wrong(field: str, sentence: str) -> None:
    raise Malformed(f"The working hours cannot be read. {sentence}", errors={field: [sentence]})
