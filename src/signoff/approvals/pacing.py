"""When a message goes out: at once, gathered each hour or each morning, and never in somebody's quiet hours. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from signoff.approvals.working_time import moment_at

Pace = Literal["at_once", "hourly", "daily"]
PACES: tuple[Pace, ...] = get_args(Pace)
_MORNING = "08:00"


def goes_out_at(moment: datetime, pace: str, quiet: Sequence[str] | None, zone: str) -> datetime:
    """Return when what happens at `moment` is told.

    Args:
        quiet: `[from, to]` as clock times of `zone`; it may go over midnight.
    """
    at = moment
    if pace == "hourly":
        at = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    elif pace == "daily":
        at = _next(moment, _MORNING, zone)
    return _next(at, quiet[1], zone) if quiet and is_quiet(at, quiet, zone) else at


def is_quiet(moment: datetime, quiet: Sequence[str], zone: str) -> bool:
    """Return whether a moment lies in quiet hours."""
    begins, ends = quiet
    shown = moment.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    return begins <= shown < ends if begins < ends else shown >= begins or shown < ends


def _next(moment: datetime, shown: str, zone: str) -> datetime:
    """Return the next moment after this one at which a clock of the zone shows a time."""
    day = moment.astimezone(ZoneInfo(zone)).date()
    at = moment_at(day, shown, zone)
    return at if at > moment else moment_at(day + timedelta(days=1), shown, zone)
