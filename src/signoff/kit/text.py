"""Small things about text from outside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, cast

_SLUG = re.compile(r"^[a-z][a-z0-9-]{0,62}$")


def is_slug(text: str) -> bool:
    """Return whether `text` can name a thing in an address: a letter, then letters, digits, hyphens; ≤ 63."""
    return _SLUG.fullmatch(text) is not None


def slug_from(text: str) -> str:
    """Return the nearest slug to a human name; `x` when nothing of it is usable."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-").lstrip("0123456789-")[:63].rstrip("-") or "x"


def shortened(text: str, limit: int) -> str:
    """Return `text`, or its beginning and an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def storable(text: str) -> str:
    """Return `text` as every database takes it: no NUL, no lone surrogate."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def storable_within(value: Any, depth_max: int = 60) -> Any:
    """Return JSON with every text and name in it storable; what lies deeper than `depth_max` is left out."""
    if isinstance(value, str):
        return storable(value)
    if depth_max < 0:
        return None
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {storable(key): storable_within(item, depth_max - 1) for key, item in members.items()}
    if isinstance(value, list):
        return [storable_within(item, depth_max - 1) for item in cast("list[Any]", value)]
    return value


def pause_in_words(seconds: float) -> str:
    """Return a length of time in its largest fitting unit: "1 second", "90 seconds", "5 minutes", "24 hours"."""
    for unit, size, least in (("day", 86_400, 172_800), ("hour", 3_600, 7_200), ("minute", 60, 120)):
        if seconds >= least:
            return f"{round(seconds / size)} {unit}s"
    whole = max(round(seconds), 1)
    return f"{whole} second" + ("" if whole == 1 else "s")


def on_terminal(text: str, *, keeps_lines: bool = False) -> str:
    """Return `text` with a space for each sign that a terminal would obey, or a reader not see."""
    return "".join(char if char.isprintable() or (keeps_lines and char == "\n") else " " for char in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean x?` when something known is spelt much like `name`; else nothing."""
    # Comparing costs by number and length, and this is only a courtesy.
    found = get_close_matches(name[:80], [*known][:100], n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""
