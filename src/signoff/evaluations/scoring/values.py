"""Values as evaluators compare them: JSON, in one form, and shown short."""

from __future__ import annotations

from typing import Any, cast

from signoff.kit.canonical import canonical_json
from signoff.kit.dotted import MISSING, parsed, value_at
from signoff.kit.text import shortened, storable

SHOWN_CHARS = 120
# A text is searched in this much of an output, and says so where there is more.
READ_CHARS = 200_000


def are_equal(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON. 1 and 1.0 are; 1 and true are not."""
    return canonical_json(_plain(one)) == canonical_json(_plain(other))


def part_of(value: Any, path: str) -> Any:
    """Return the value at a path, also inside a text that is one JSON object or list; or `MISSING`."""
    return value_at(parsed(value), path) if path else value


def members_of(value: Any) -> dict[str, Any]:
    """Return the members of an object; of anything else none."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def text_of(value: Any) -> str:
    """Return a value as the text to search: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else canonical_json(value)


def shown(value: Any) -> str:
    """Return a value as a reason quotes it."""
    return "nothing" if value is MISSING else shortened(storable(canonical_json(value)), SHOWN_CHARS)


def named(path: str) -> str:
    """Return a place in words."""
    return f"`{shortened(path, SHOWN_CHARS)}`" if path else "the output"


def _plain(value: Any) -> Any:
    """Return the form that is compared: whole numbers as such, a text without the space around it."""
    if isinstance(value, str):
        found = parsed(value)
        return value.strip() if isinstance(found, str) else _plain(found)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in cast("dict[str, Any]", value).items()}
    return [_plain(part) for part in cast("list[Any]", value)] if isinstance(value, list) else value
