"""The operations of a document, each as a tool."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from signoff.connectors import faults, plain
from signoff.connectors.openapi.refs import Resolver
from signoff.connectors.protocol import ToolSpec
from signoff.kit.errors import ConnectorError
from signoff.kit.text import shortened

OPERATIONS_MAX = 500
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_PLACES = ("path", "query", "header")
_BODIES = ("application/json", "application/x-www-form-urlencoded")
_DESCRIPTION_CHARS = 2_000
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_DEFINITION_CHARS_MAX = 64_000
READS: dict[str, Any] = {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": True}
CHANGES: dict[str, Any] = {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of a request that is not its body.

    Args:
        argument: the name of the tool's argument.
        place: `path`, `query` or `header`.
    """

    argument: str
    name: str
    place: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path."""

    spec: ToolSpec
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body_type: str | None

    @property
    def is_read(self) -> bool:
        """Whether HTTP promises that it changes nothing."""
        return self.method in ("GET", "HEAD")


class _NoAliases(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can grow to billions of nodes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def parsed_document(text: str) -> dict[str, Any]:
    """Return the document that `text` holds, JSON or YAML.

    Raises:
        ConnectorError: it is not an OpenAPI 3 document.
    """
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = yaml.load(text, Loader=_NoAliases)  # noqa: S506 - a SafeLoader that reads even less
        except (yaml.YAMLError, ValueError, RecursionError):
            found = None
    return checked_document(found)


def checked_document(value: Any) -> dict[str, Any]:
    """Return `value` if it is an OpenAPI 3 document.

    Raises:
        ConnectorError: it is not.
    """
    document = plain.cleaned_object(value)
    if not str(document.get("openapi", "")).startswith("3.") or not isinstance(document.get("paths"), dict):
        raise faults.fault(faults.BAD_CONFIG, "That is not an OpenAPI 3 document: it needs “openapi: 3.x” and “paths”.")
    return document


def operations_of(document: Mapping[str, Any]) -> dict[str, Operation]:
    """Return the operations by tool name. Those that need what we do not send (files, cookies) are left out.

    Raises:
        ConnectorError: there are too many.
    """
    resolver = Resolver(document)
    found: dict[str, Operation] = {}
    for path, method, shared, raw in _raw_operations(document, resolver):
        operation = _operation(resolver, path, method, shared, raw, set(found))
        if operation is not None:
            found[operation.spec.name] = operation
        if len(found) > OPERATIONS_MAX:
            raise faults.fault(faults.BAD_CONFIG, f"The document describes more than {OPERATIONS_MAX} operations.")
    return found


def _raw_operations(
    document: Mapping[str, Any], resolver: Resolver
) -> Iterator[tuple[str, str, list[Any], dict[str, Any]]]:
    for path, item in cast("dict[str, Any]", document["paths"]).items():
        methods = resolver.target(item)
        shared = _list(methods.get("parameters"))
        for method in _METHODS:
            raw = methods.get(method)
            if isinstance(raw, dict) and path.startswith("/"):
                yield path, method, shared, cast("dict[str, Any]", raw)


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _operation(
    resolver: Resolver, path: str, method: str, shared: list[Any], raw: dict[str, Any], taken: set[str]
) -> Operation | None:
    resolver.begin()
    parameters: list[Parameter] = []
    properties: dict[str, Any] = {}
    required: list[str] = []
    for value in _merged(resolver, shared, _list(raw.get("parameters"))):
        place, name = str(value.get("in")), str(value.get("name", ""))
        is_required = value.get("required") is True or place == "path"
        if place not in _PLACES or not name:
            if is_required:
                return None
            continue
        argument = name if name not in properties and name != "body" else f"{place}_{name}"
        schema = resolver.schema(_schema_of(value))
        properties[argument] = _described(schema, value.get("description"))
        parameters.append(Parameter(argument, name, place))
        required += [argument] if is_required else []
    body = resolver.target(raw.get("requestBody"))
    body_type, body_schema = _body(resolver, body)
    if body_type is None and body.get("required") is True:
        return None
    if body_type is not None:
        properties["body"] = resolver.schema(body_schema)
        required += ["body"] if body.get("required") is True else []
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    spec = ToolSpec(_name(raw, method, path, taken), _description(raw), schema, None, _hints(method))
    if len(json.dumps(spec.definition)) > _DEFINITION_CHARS_MAX:
        raise _too_large(spec.name)
    return Operation(spec, method.upper(), path, tuple(parameters), body_type)


def _too_large(name: str) -> ConnectorError:
    return faults.fault(
        faults.BAD_CONFIG, f"The operation “{faults.quoted(name, 60)}” is described at too great length."
    )


def _hints(method: str) -> dict[str, Any]:
    return READS if method in ("get", "head") else CHANGES


def _merged(resolver: Resolver, shared: list[Any], own: list[Any]) -> list[dict[str, Any]]:
    """Return the parameters of a path and of its operation; the operation's own win."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for raw in [*shared, *own]:
        value = resolver.target(raw)
        found[str(value.get("in")), str(value.get("name"))] = value
    return list(found.values())


def _schema_of(parameter: Mapping[str, Any]) -> Any:
    if "schema" in parameter:
        return parameter["schema"]
    content = parameter.get("content")
    offered = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    first: Any = next(iter(offered.values()), None)
    return cast("dict[str, Any]", first).get("schema", {}) if isinstance(first, dict) else {}


def _described(schema: Any, description: Any) -> Any:
    if isinstance(schema, dict) and isinstance(description, str) and "description" not in schema:
        return {**cast("dict[str, Any]", schema), "description": shortened(description, 500)}
    return schema if isinstance(schema, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _body(resolver: Resolver, body: dict[str, Any]) -> tuple[str | None, Any]:
    content = body.get("content")
    if not isinstance(content, dict):
        return None, None
    offered = cast("dict[str, Any]", content)
    for wanted in _BODIES:
        for media_type, value in offered.items():
            bare = media_type.partition(";")[0].strip().lower()
            if bare == wanted or (wanted == "application/json" and bare.endswith("+json")):
                return bare, resolver.target(value).get("schema", {})
    return None, None


def _name(raw: dict[str, Any], method: str, path: str, taken: set[str]) -> str:
    named = str(raw.get("operationId") or f"{method}{path}")
    base = _NOT_IN_NAMES.sub("_", named).strip("_")[:60] or method
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def _description(raw: dict[str, Any]) -> str:
    parts = [str(raw[field]) for field in ("summary", "description") if isinstance(raw.get(field), str)]
    return shortened("\n\n".join(dict.fromkeys(parts)), _DESCRIPTION_CHARS)
