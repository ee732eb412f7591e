"""Keyset pages: a cursor names the last row seen, so page 10,000 costs what page 1 costs."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from signoff.kit.errors import Malformed
from signoff.kit.text import storable

Row = TypeVar("Row")

PAGE_SIZE_DEFAULT = 30
PAGE_SIZE_MAX = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list, newest first, and the cursors to its neighbours (None at an end)."""

    rows: Sequence[Row]
    next_cursor: str | None = None
    previous_cursor: str | None = None


def encode_cursor(*keys: str | int) -> str:
    """Return an opaque cursor for the sort keys of a row."""
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, length: int) -> list[str | int]:
    """Return the sort keys in `cursor`.

    Raises:
        Malformed: it is not a cursor of ours.
    """
    try:
        keys = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        keys = None
    if not isinstance(keys, list):
        raise _not_a_cursor()
    found: list[str | int] = [key for key in keys if isinstance(key, str | int) and not isinstance(key, bool)]  # pyright: ignore[reportUnknownVariableType]
    if len(found) != length or any(isinstance(key, int) and abs(key) > 2**62 for key in found):
        raise _not_a_cursor()
    if any(isinstance(key, str) and (len(key) > 200 or key != storable(key)) for key in found):
        raise _not_a_cursor()
    return found


def text_cursor(cursor: str) -> str:
    """Return the one text (an id, a name) in `cursor`; raises Malformed for anything else."""
    (key,) = decode_cursor(cursor, 1)
    if not isinstance(key, str):
        raise _not_a_cursor()
    return key


def number_cursor(cursor: str) -> int:
    """Return the one number in `cursor`; raises Malformed for anything else."""
    (key,) = decode_cursor(cursor, 1)
    if not isinstance(key, int):
        raise _not_a_cursor()
    return key


def _not_a_cursor() -> Malformed:
    return Malformed(
        "The cursor is not one this list gave out. Start again without it.",
        errors={"cursor": ["not a cursor of this list"]},
        code="bad_cursor",
    )


def page_size(asked: int | None) -> int:
    """Return the page size to use, between 1 and 200."""
    return max(1, min(asked or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX))
