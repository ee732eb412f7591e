"""`$ref` inside a document: followed within it only, to a limit; a circle becomes "anything"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from signoff.connectors import faults

NODES_MAX = 20_000
_DEPTH_MAX = 40
# Words of OpenAPI that say nothing to a validator, and cost room in every prompt.
_LEFT_OUT = frozenset({"example", "examples", "xml", "externalDocs", "discriminator", "readOnly", "writeOnly"})


class Resolver:
    """Follows references of one document, and counts what it gives out: a small document must not become a huge one."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._nodes = 0

    def begin(self) -> None:
        """Start counting anew, for the next operation."""
        self._nodes = 0

    def target(self, value: Any) -> dict[str, Any]:
        """Return the object that `value` is or refers to; empty when there is none."""
        for _ in range(10):
            if not isinstance(value, dict):
                return {}
            found = cast("dict[str, Any]", value)
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return found
            value = self._at(reference)
        return {}

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            # Another file or host: nothing is fetched because a document says so.
            return None
        value: Any = self._document
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, dict):
                return None
            value = cast("dict[str, Any]", value).get(key)
        return value

    def schema(self, value: Any, depth: int = 0, behind: frozenset[str] = frozenset()) -> Any:
        """Return a schema with its references written out, in the words of JSON Schema 2020-12.

        Raises:
            ConnectorError: written out it is too large.
        """
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise faults.fault(
                faults.BAD_ANSWER, "An operation's schema is too large once its references are followed."
            )
        if isinstance(value, list):
            return [self.schema(item, depth + 1, behind) for item in cast("list[Any]", value)]
        if not isinstance(value, dict):
            return value
        found = cast("dict[str, Any]", value)
        reference = found.get("$ref")
        if isinstance(reference, str):
            if reference in behind or depth > _DEPTH_MAX:
                return {}
            return self.schema(self._at(reference) or {}, depth + 1, behind | {reference})
        if depth > _DEPTH_MAX:
            return {}
        return _modern(
            {key: self.schema(item, depth + 1, behind) for key, item in found.items() if key not in _LEFT_OUT}
        )


def _modern(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema of OpenAPI 3.0 in the words of 3.1; one of 3.1 is left as it is."""
    if schema.pop("nullable", None) is True and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    return schema
