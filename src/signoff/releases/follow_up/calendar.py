"""Days of a workspace's calendar. Pure, but for reading the zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.tables.people import Workspace

# What ends at midnight may be committed a little later.
GRACE = timedelta(minutes=5)


def zone_of(session: Session, workspace_id: str) -> ZoneInfo:
    """Return the time zone of a workspace."""
    return ZoneInfo(session.scalar(select(Workspace.time_zone).where(Workspace.id == workspace_id)) or "UTC")


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """Return the day on which a moment falls."""
    return moment.astimezone(zone).date()


def begins(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins; one at the change of the clock has 23 or 25 hours."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def ends(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day is over, and what ended in it is known."""
    return begins(day + timedelta(days=1), zone) + GRACE


def closes(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment from which nothing can be said of a day any more: at the end of the one after it."""
    return ends(day + timedelta(days=1), zone)
