"""The tools, read from the API's own description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from signoff.api.mcp.withheld import ENOUGH, WITHHELD
from signoff.people.access import Principal, can
from signoff.people.roles import Action

Place = Literal["path", "query", "header", "body"]

# Each key is of one workspace, so nobody has to say which.
GIVEN = "workspace"
_SHAPES = "#/components/schemas/"
_REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


@dataclass(frozen=True, slots=True)
class Offered:
    """One operation as a tool. `places`: where in the request each argument goes. `schema`: of the arguments, as text,
    because as objects it is many times as large."""

    name: str
    title: str
    description: str
    method: str
    path: str
    needs: Action | None
    places: Mapping[str, Place]
    schema: str

    @property
    def is_reading(self) -> bool:
        """Return whether it changes nothing."""
        return self.method == "GET"

    def is_for(self, principal: Principal) -> bool:
        """Return whether there is anything on which the caller may ever use it."""
        needs: Action | None = ENOUGH.get(self.name) or self.needs
        return needs is None or can(principal, needs)


def read_tools(document: Mapping[str, Any]) -> dict[str, Offered]:
    """Return every operation that is a tool, by its name, in the order of the description."""
    shapes: Mapping[str, Any] = document["components"]["schemas"]
    return {
        operation["operationId"]: _tool(method.upper(), path, operation, shapes)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if WITHHELD.get(operation["operationId"], "unclassified") is None
    }


def _tool(method: str, path: str, operation: Mapping[str, Any], shapes: Mapping[str, Any]) -> Offered:
    places: dict[str, Place] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, place, schema, is_required in _arguments(operation):
        places[name], properties[name] = place, schema
        if is_required:
            required.append(name)
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    defined = dict(_defined(properties, shapes))
    if defined:
        schema["$defs"] = defined
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":")).replace(f'"{_SHAPES}', '"#/$defs/')
    return Offered(
        name=operation["operationId"],
        title=operation["summary"],
        description=operation["description"],
        method=method,
        path=path,
        needs=operation["x-needs"],
        places=places,
        schema=text,
    )


def _arguments(operation: Mapping[str, Any]) -> Iterator[tuple[str, Place, Any, bool]]:
    for field in operation.get("parameters", ()):
        if field["name"] != GIVEN:
            told = {"description": field["description"]} if field.get("description") else {}
            yield field["name"], field["in"], {**field["schema"], **told}, field.get("required", False)
    body = operation.get("requestBody")
    if body:
        yield "body", "body", body["content"]["application/json"]["schema"], body.get("required", False)


def _defined(properties: Any, shapes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every shape that is referred to, at whatever depth, once."""
    seen: set[str] = set()
    left = list(_named(properties))
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            yield name, shapes[name]
            left += _named(shapes[name])


def _named(schema: Any) -> Iterable[str]:
    return _REFERENCE.findall(json.dumps(schema))
