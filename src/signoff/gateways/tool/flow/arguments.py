"""The single values in a call's arguments, and which of them choose its target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from signoff.connections.labels import ToolLabels
from signoff.kit.typed_values import looks_like_target

_LEAVES_MAX = 2_000
# Names under which tools take an address, when nobody has said which arguments choose the target.
_ADDRESS_WORDS = frozenset(
    ("url", "uri", "urls", "uris", "link", "links", "href", "host", "hostname", "domain", "website", "site", "endpoint",
     "address", "webhook", "callback")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value in the arguments. `path` has the names on the way to it; a place in a list has none."""

    path: tuple[str, ...]
    value: Any

    @property
    def argument(self) -> str:
        """Return its dotted name, as people read it."""
        return ".".join(self.path)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[Leaf]:
    """Return every value in `value` that says something. Nothing and empty texts do not."""
    found: list[Leaf] = []
    for leaf in _leaves(value, path):
        found.append(leaf)
        if len(found) > _LEAVES_MAX:
            # Nobody reads so many; as one value it is what nobody has named.
            return [Leaf(path or ("arguments",), f"more than {_LEAVES_MAX:,} values")]
    return found


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[str, Any]", value).items():
            # Of `{"a@b.example": "to"}` the name is the recipient.
            if path and looks_like_target(key):
                yield Leaf(path, key)
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _leaves(item, path)
    elif value is not None and value != "":
        yield Leaf(path, value)


def blanks(value: Any, path: tuple[str, ...] = ()) -> list[Leaf]:
    """Return every argument that says nothing: an empty text, list or object, or null. It may empty what was there."""
    if isinstance(value, Mapping) and value:
        items = cast("Mapping[str, Any]", value).items()
        return [leaf for key, item in items for leaf in blanks(item, (*path, key))][:_LEAVES_MAX]
    if isinstance(value, list) and value:
        return [leaf for item in cast("list[Any]", value) for leaf in blanks(item, path)][:_LEAVES_MAX]
    return [Leaf(path, value)] if path and (value is None or value in ("", [], {})) else []


def sinks_among(found: Sequence[Leaf], labels: ToolLabels, described: frozenset[str] | None) -> list[Leaf]:
    """Return those that choose the target.

    Args:
        described: the arguments the tool describes. What it does not describe may do anything, so it is one too.
    """
    return [leaf for leaf in found if _is_sink(leaf, labels, described)]


def _is_sink(leaf: Leaf, labels: ToolLabels, described: frozenset[str] | None) -> bool:
    if described is not None and leaf.path and leaf.path[0] not in described:
        return True
    if labels.sinks is not None:
        return any(leaf.argument == sink or leaf.argument.startswith(f"{sink}.") for sink in labels.sinks)
    # Compared name by name: an argument that only looks as if it were inside of a free text is none.
    return not any(leaf.path[: len(parts)] == parts for parts in (tuple(name.split(".")) for name in labels.payload))


def is_named_like_an_address(leaf: Leaf) -> bool:
    """Return whether the argument's name says that it takes an address of the web."""
    words = leaf.path[-1].replace("-", "_").lower().split("_") if leaf.path else []
    return any(word in _ADDRESS_WORDS for word in words) or (bool(words) and words[-1].endswith(("url", "uri")))
