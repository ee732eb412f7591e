"""What the exception of a gate lets by: schemas that bound nothing, and bounds that no sensible value exceeds. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

# Words of a schema that bound nothing beyond the kind of value.
_SAY_NOTHING = frozenset(
    ("type", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment",
     "$schema", "$id", "$anchor", "$defs", "definitions", "format", "contentMediaType", "contentEncoding")
)  # fmt: skip
_LEAST = frozenset(("minLength", "minItems", "minProperties", "minContains"))
_NOT_EMPTY_PATTERN = re.compile(r"(?:\^|\\A)?\(?(?:\.|\[\\s\\S\]|\[\\S\\s\]|\[\^\])[*+]?\??\)?(?:\$|\\Z|\\z)?")
# What an empty match can depend on; without these, a pattern that is found in an empty text is found in every one.
_LOOKS_ROUND = re.compile(r"\$|\\[bBZz]|\(\?[=!<P(]")
_NESTED_MAX = 10
# Beyond these a number, or a length, is no bound that anybody meant to ask about.
NUMBER_WIDE = 1_000_000_000
LENGTH_WIDE = 100_000
_UPPER, _LOWER = ("maximum", "exclusiveMaximum"), ("minimum", "exclusiveMinimum")
_LONGEST = ("maxLength", "maxItems", "maxProperties")


def bounds_nothing(schema: Any, depth: int = 0) -> bool:
    """Return whether every value of its kind fits a schema, as far as that can be told from it."""
    if isinstance(schema, bool) or not isinstance(schema, Mapping) or depth > _NESTED_MAX:
        return schema is True
    words = cast("Mapping[str, Any]", schema)
    return all(_is_idle(word, value, depth + 1) for word, value in words.items())


def is_wide(schema: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a schema bounds, but nothing that would be given.

    Args:
        own: what the tools themselves say of the argument.
    """
    bounding = {word: value for word, value in schema.items() if not _is_idle(word, value, 1)}
    return all(_is_far(word, value, own) for word, value in bounding.items())


def _is_idle(word: str, value: Any, depth: int) -> bool:
    """Return whether one word of a schema keeps nothing out."""
    if word in _SAY_NOTHING:
        return True
    if word in _LEAST:
        return isinstance(value, int) and value <= 0
    match word:
        case "pattern":
            return isinstance(value, str) and _fits_every_text(value)
        case "required" | "dependentRequired" | "dependentSchemas" | "properties" | "patternProperties":
            return not value or (word.endswith("roperties") and _all_idle(value, depth))
        case "uniqueItems":
            return value is False
        case "items" | "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems" | "propertyNames":
            return bounds_nothing(value, depth)
        case "allOf":
            return isinstance(value, list) and all(bounds_nothing(one, depth) for one in cast("list[Any]", value))
        case "anyOf":
            return isinstance(value, list) and any(bounds_nothing(one, depth) for one in cast("list[Any]", value))
        case "not":
            return value is False
        case _:
            return False


def _all_idle(value: Any, depth: int) -> bool:
    named = cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {"": False}
    return all(bounds_nothing(one, depth) for one in named.values())


def _fits_every_text(pattern: str) -> bool:
    if _NOT_EMPTY_PATTERN.fullmatch(pattern):
        return True
    if pattern in ("$", "^$|.*", r"\Z"):
        return True
    if _LOOKS_ROUND.search(pattern):
        return False
    try:
        return re.search(pattern, "") is not None
    except (re.error, OverflowError, RecursionError):
        return False


def _is_far(word: str, value: Any, own: Sequence[Mapping[str, Any]]) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if word in _LONGEST:
        return value >= LENGTH_WIDE
    if word in _UPPER:
        limits = _limits(own, _UPPER)
        return value > NUMBER_WIDE or (bool(limits) and value >= max(limits))
    if word in _LOWER:
        limits = _limits(own, _LOWER)
        return value < -NUMBER_WIDE or (bool(limits) and value <= min(limits))
    return False


def _limits(own: Sequence[Mapping[str, Any]], words: Sequence[str]) -> list[float]:
    """Return the bounds the tools themselves set; none when one of them sets none."""
    found = [[one[word] for word in words if _is_number(one.get(word))] for one in own]
    return [bound for bounds in found for bound in bounds] if all(found) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
