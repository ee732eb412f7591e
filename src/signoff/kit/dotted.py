"""Values inside JSON, by a path with dots: `customer.address.city`, `orders.0.id`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

# Stands for: there is nothing at the end of this path. None is a value.
MISSING: Any = object()


def value_at(root: Any, path: str) -> Any:
    """Return the one value at `path`, or `MISSING`. A member of a list is named by its number."""
    found = root
    for step in path.split(".") if path else ():
        if isinstance(found, dict):
            found = cast("dict[str, Any]", found).get(step, MISSING)
        elif isinstance(found, list) and step.isascii() and step.isdigit():
            members = cast("list[Any]", found)
            found = members[int(step)] if len(step) < 7 and int(step) < len(members) else MISSING
        else:
            return MISSING
    return found


def values_at(root: Any, path: str) -> Iterator[Any]:
    """Yield every value at `path`, of each member where it meets a list. `MISSING` for a place that has none.

    A name with a dot of its own is found too, so that no spelling of a name hides a value.
    """
    if not path:
        if isinstance(root, list):
            for member in cast("list[Any]", root):
                yield from values_at(member, "")
        else:
            yield root
    elif isinstance(root, list):
        for member in cast("list[Any]", root):
            yield from values_at(member, path)
    elif isinstance(root, dict):
        yield from _in_object(cast("dict[str, Any]", root), path)
    else:
        yield MISSING


def _in_object(members: dict[str, Any], path: str) -> Iterator[Any]:
    steps = path.split(".")
    names = [".".join(steps[:end]) for end in range(1, len(steps) + 1)]
    there = [(name, path[len(name) + 1 :]) for name in names if name in members]
    for name, rest in there:
        yield from values_at(members[name], rest)
    if not there:
        yield MISSING


def parsed(value: Any) -> Any:
    """Return `value`; a text that is one JSON object or list, as that. What names a member twice stays a text."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        found = json.loads(value, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        return value
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is named twice")
    return found
