"""Ids that carry their kind, sort by time, and are safe in addresses: `run_01j9…`."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime

# Crockford's alphabet in lower case: no i, l, o, u, so an id read aloud or typed by hand survives.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_CHARS = 10
_RANDOM_CHARS = 16


# Two digits at a time: a run makes some thirty ids.
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)


def _encode(value: int, length: int) -> str:
    return "".join([_PAIRS[value >> shift & 1023] for shift in range(5 * length - 10, -1, -10)])


def new_id(kind: str) -> str:
    """Return a new id such as `run_01j9…`: 48 bits of milliseconds, then 80 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{kind}_{_encode(milliseconds, _TIME_CHARS)}{_encode(int.from_bytes(os.urandom(10)), _RANDOM_CHARS)}"


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
