"""`{{secret.NAME}}` in a configuration: found and replaced as plain text; nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_]{0,62}"
_PLACEHOLDER = re.compile(r"\{\{secret\.(" + NAME_PATTERN + r")\}\}")


def names_in(value: Any) -> frozenset[str]:
    """Return the names of all secrets that `value`, plain JSON, refers to."""
    if isinstance(value, str):
        return frozenset(_PLACEHOLDER.findall(value))
    if isinstance(value, dict):
        return frozenset[str]().union(*(names_in(item) for item in value.values()))  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return frozenset[str]().union(*(names_in(item) for item in value))  # pyright: ignore[reportUnknownVariableType]
    return frozenset()


def resolved(value: Any, values: Mapping[str, str]) -> Any:
    """Return a copy of `value` with each placeholder replaced.

    Raises:
        KeyError: a name is not among `values`.
    """
    if isinstance(value, str):
        # One pass: a secret that itself looks like a placeholder stays what it is.
        return _PLACEHOLDER.sub(lambda match: values[match.group(1)], value)
    if isinstance(value, dict):
        return {key: resolved(item, values) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [resolved(item, values) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def has_any(text: str) -> bool:
    """Return whether `text` refers to a secret."""
    return _PLACEHOLDER.search(text) is not None
