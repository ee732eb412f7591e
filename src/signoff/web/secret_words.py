"""What is told of secrets, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from signoff.connections.views import SecretRow

STORE_WORDS = {"built_in": "Kept here", "env": "Environment", "vault": "HashiCorp Vault", "aws": "AWS"}
_SOON = timedelta(days=30)
_VERY_SOON = timedelta(days=3)


def where_word(row: SecretRow) -> str:
    """Return where the value is."""
    return STORE_WORDS.get(row.source, row.source)


def ends_word(expires_at: datetime | None, moment: datetime) -> tuple[str, str] | None:
    """Return a word and its tone for how near the end is; None when it is far, or nobody knows it."""
    if expires_at is None or expires_at - moment > _SOON:
        return None
    left = expires_at - moment
    if left <= timedelta():
        return "ran out", "bad"
    if left < timedelta(days=1):
        return "within a day", "bad"
    words = f"in {left.days} day{'' if left.days == 1 else 's'}"
    return words, "bad" if left <= _VERY_SOON else "wait"
