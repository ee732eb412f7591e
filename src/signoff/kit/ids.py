"""Ids that carry their kind, sort by time, and are safe in addresses: `run_01j9…`.

Those of one process sort in the order in which they were made, within a millisecond too: a list by id is one by age.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from datetime import UTC, datetime

# Crockford's alphabet in lower case: no i, l, o, u, so an id read aloud or typed by hand survives.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARS = 10
_FINE_CHARS = 4
_RANDOM_CHARS = 12
_RANDOM_BITS = 5 * _RANDOM_CHARS
_NS_PER_MS = 1_000_000
# A clock that is set back by less is waited for; by more, and ids that tell the wrong time would be the greater harm.
_SET_BACK_NS_MAX = 1_000_000_000


# Two digits at a time: a run makes some thirty ids.
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)


def _encode(value: int, length: int) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(5 * length - 10, -1, -10)])


class _Clock:
    """Nanoseconds since 1970 that no two callers of this process share, and that only rise."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def next(self) -> int:
        with self._lock:
            now = time.time_ns()
            if now <= self._last < now + _SET_BACK_NS_MAX:
                now = self._last + 1
            self._last = now
            return now


_clock = _Clock()


def new_id(kind: str) -> str:
    """Return a new id such as `run_01j9…`: 48 bits of milliseconds, the nanoseconds within it, then 60 random bits."""
    milliseconds, fine = divmod(_clock.next(), _NS_PER_MS)
    by_chance = int.from_bytes(os.urandom(8)) >> 64 - _RANDOM_BITS
    rest = _encode(fine << _RANDOM_BITS | by_chance, _FINE_CHARS + _RANDOM_CHARS)
    return f"{kind}_{_encode(milliseconds, _TIME_CHARS)}{rest}"


def new_token(prefix: str, bytes_of_randomness: int = 32) -> str:
    """Return a secret token that is safe in an address: `prefix_…`, 256 random bits by default."""
    return f"{prefix}_{secrets.token_urlsafe(bytes_of_randomness)}"


def first_at(kind: str, moment: datetime) -> str:
    """Return the lowest id of `kind` that could have been made at `moment`: a span of time is a span of ids."""
    milliseconds = min(max(int(moment.timestamp() * 1000), 0), 32**_TIME_CHARS - 1)
    return f"{kind}_{_encode(milliseconds, _TIME_CHARS)}"


def moment_of(made: str) -> datetime:
    """Return when an id was made.

    Raises:
        ValueError: it is no id of ours.
    """
    digits = made.rpartition("_")[2][:_TIME_CHARS]
    milliseconds = 0
    for char in digits:
        milliseconds = milliseconds * 32 + _ALPHABET.index(char)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
