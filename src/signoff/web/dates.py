"""A day as a form sends it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

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
