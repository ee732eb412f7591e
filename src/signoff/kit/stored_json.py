"""JSON from outside, made such that every database gives back exactly what was stored."""

from __future__ import annotations

import math
from typing import Any, cast

from signoff.kit.errors import Malformed
from signoff.kit.text import storable

DEPTH_MAX = 60
NODES_MAX = 100_000
NUMBER_MAX = 2**63


class _Count:
    """How many values were seen, so that a small text cannot grow into a large one unnoticed."""

    def __init__(self) -> None:
        self.nodes = 0


def stored_json(value: Any, *, depth_max: int = DEPTH_MAX, nodes_max: int = NODES_MAX) -> Any:
    """Return an equal value that survives storage byte for byte.

    Postgres keeps numbers as decimals, so `1.0` and `1e2` would come back otherwise than they went in: a whole
    number is stored as an integer. Text loses NUL and lone surrogates, which no database takes.

    Raises:
        Malformed: too deep, too many values, a number that is not finite or beyond 2^63, or not JSON at all.
    """
    return _stored(value, depth_max, nodes_max, _Count())


def _stored(value: Any, depth: int, nodes_max: int, count: _Count) -> Any:
    count.nodes += 1
    if count.nodes > nodes_max:
        raise Malformed(f"This JSON holds more than {nodes_max:,} values. Make it smaller.", code="too_large")
    if depth <= 0:
        raise Malformed("This JSON is nested too deeply. Make it flatter.", code="too_deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value)
        return [_stored(item, depth - 1, nodes_max, count) for item in items]
    if isinstance(value, dict):
        members = cast("dict[Any, Any]", value)
        return {_name(name): _stored(item, depth - 1, nodes_max, count) for name, item in members.items()}
    raise Malformed(f"A value of kind {type(value).__name__} is not JSON.", code="not_json")


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise Malformed("A member's name in JSON is a text.", code="not_json")
    return storable(name)


def _number(value: float) -> int | float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Malformed("JSON has no infinite numbers and no NaN.", code="not_json")
        if not value.is_integer():
            return value
    if abs(value) > NUMBER_MAX:
        raise Malformed("A number is larger than 2^63. Write it as a text.", code="not_json")
    return int(value)
