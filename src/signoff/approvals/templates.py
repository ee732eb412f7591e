"""What a gate's title and summary say about one call: `{{args.path}}` is replaced by that argument, as text. Nothing
else is, and what an argument says is never looked at again, so that a text from outside stays a text. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, cast

from signoff.kit.canonical import canonical_json
from signoff.kit.text import shortened, storable
from signoff.kit.visible import visible

PLACE = re.compile(r"\{\{\s{0,9}args\.([A-Za-z_][\w-]{0,63}(?:\.[\w-]{1,64}){0,9})\s{0,9}\}\}")
NOT_GIVEN = "(not given)"
_VALUE_CHARS = 500


def filled(template: str, args: Mapping[str, Any], *, chars_max: int, is_one_line: bool = False) -> str:
    """Return what a template says about a call with these arguments."""

    def told(match: re.Match[str]) -> str:
        value = value_at(args, match.group(1))
        return NOT_GIVEN if value is None else shortened(as_text(value), _VALUE_CHARS)

    text = visible(storable(PLACE.sub(told, template)))
    if is_one_line:
        text = " ".join(text.split())
    return shortened(text, chars_max)


def missing_in(required: Sequence[str], args: Mapping[str, Any]) -> list[str]:
    """Return which of the arguments without which nobody could decide are not there, or are empty."""
    return [path for path in required if is_blank(value_at(args, path))]


def is_blank(value: Any) -> bool:
    """Return whether a value says nothing: not there, empty, or only of what cannot be seen."""
    if isinstance(value, str):
        return all(one.isspace() or unicodedata.category(one) in ("Cc", "Cf", "Zl", "Zp", "Zs") for one in value)
    if isinstance(value, list):
        return all(is_blank(one) for one in cast("list[Any]", value))
    return value is None or value == {}


def value_at(args: Any, path: str) -> Any:
    """Return what stands at a dotted path; None when nothing does. A number leads into a list."""
    found = args
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = cast("Mapping[str, Any]", found).get(step)
        elif isinstance(found, list) and step.isascii() and step.isdigit() and len(step) < 6:
            items = cast("list[Any]", found)
            found = items[int(step)] if int(step) < len(items) else None
        else:
            return None
    return found


def as_text(value: Any) -> str:
    """Return a value as a person reads it."""
    return value if isinstance(value, str) else canonical_json(value)
