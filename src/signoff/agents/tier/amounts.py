"""Which arguments of a tool are amounts of money, by their names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

# Words in the name of an argument that say it is an amount of money.
_MONEY = frozenset(
    ("amount", "cost", "credit", "fee", "payment", "price", "refund", "salary", "sum", "cents", "usd", "eur", "gbp")
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# An amount deeper in an argument than this is not looked for.
_DEPTH_MAX = 3
# A definition that goes on beyond this is not walked to its end: it counts as one with an amount.
_ARGUMENTS_MAX = 2_000
_BRANCHES = ("anyOf", "oneOf", "allOf")
_REFERENCE = re.compile(r"#/(\$defs|definitions)/([^/]+)")
_HOPS_MAX = 8


def words_of(name: str) -> frozenset[str]:
    """Return the words of a name, however it joins them."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def is_amount(name: str) -> bool:
    """Return whether a name says that it is an amount of money."""
    return bool(words_of(name) & _MONEY)


def described_arguments(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """Yield each argument that a tool's definition describes: its path (`order.total`, `lines[].price`), what is said
    of it, and whether it is an amount. What is within lists, alternatives and references of the definition is found."""
    for number, one in enumerate(_within(schema, schema, "", _DEPTH_MAX, is_money=False)):
        if number >= _ARGUMENTS_MAX:
            yield "arguments beyond the first 2,000", None, True
            return
        yield one


def _within(
    node: Mapping[str, Any], root: Mapping[str, Any], before: str, depth: int, *, is_money: bool
) -> Iterator[tuple[str, Any, bool]]:
    properties = _properties(node)
    # `amount: {value, currency}`: the number within is the amount, unless one there says so itself.
    is_said_above = is_money and not any(is_amount(name) for name, _ in properties)
    for name, schema in properties:
        inner = [(shape, mark) for shape, mark in _shapes(schema, root, "", 0) if depth and _properties(shape)]
        named = is_amount(name)
        for shape, mark in inner:
            yield from _within(shape, root, f"{before}{name}{mark}.", depth - 1, is_money=named or is_said_above)
        if not inner:
            yield f"{before}{name}", schema, named or (is_said_above and _is_value(name, schema))


def _properties(node: Mapping[str, Any]) -> list[tuple[str, Any]]:
    known = node.get("properties")
    return list(cast("Mapping[str, Any]", known).items()) if isinstance(known, Mapping) else []


def _shapes(schema: Any, root: Mapping[str, Any], mark: str, hops: int) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield a schema, and what it refers to, chooses among, or lists; `[]` marks what is in a list."""
    if not isinstance(schema, Mapping) or hops > _HOPS_MAX:
        return
    node = cast("Mapping[str, Any]", schema)
    yield node, mark
    reference = _REFERENCE.fullmatch(str(node.get("$ref", "")))
    if reference is not None and isinstance(kept := root.get(reference[1]), Mapping):
        yield from _shapes(cast("Mapping[str, Any]", kept).get(reference[2]), root, mark, hops + 1)
    for word in _BRANCHES:
        branches = node.get(word)
        for branch in cast("list[Any]", branches) if isinstance(branches, list) else ():
            yield from _shapes(branch, root, mark, hops + 1)
    yield from _shapes(node.get("items"), root, f"{mark}[]", hops + 1)


def _is_value(name: str, schema: Any) -> bool:
    kind = cast("Mapping[str, Any]", schema).get("type") if isinstance(schema, Mapping) else None
    return kind in ("number", "integer") or name.lower() == "value"
