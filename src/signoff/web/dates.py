"""A day, and a moment, as a form sends it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from signoff.kit.errors import Malformed


def day(text: str, field: str = "expires_at") -> datetime | None:
    """Return the beginning of a day in UTC; None for nothing.

    Raises:
        Malformed: it is no date.
    """
    if not text.strip():
        return None
    try:
        return datetime.combine(date.fromisoformat(text.strip()), time(), UTC)
    except ValueError as error:
        sentence = "Give a date such as 2027-03-31, or nothing."
        raise Malformed(sentence, errors={field: [sentence]}) from error


def moment(text: str, zone: ZoneInfo, field: str) -> datetime | None:
    """Return the moment that a field for date and time says in the reader's zone; None for nothing.

    Raises:
        Malformed: it is none.
    """
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        sentence = "Give a date and a time such as 2027-03-31T14:00, or nothing."
        raise Malformed(sentence, errors={field: [sentence]}) from error


def as_field(moment: datetime | None, zone: ZoneInfo) -> str:
    """Return a moment as a field for date and time shows it in the reader's zone."""
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M}" if moment else ""
