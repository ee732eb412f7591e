"""From a tool's arguments to a request. Arguments are data: none of them can change host or path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode

from signoff.connectors import faults, net
from signoff.connectors.fetch import Outgoing
from signoff.connectors.openapi.operations import Operation
from signoff.kit.errors import ConnectorError

_LOGIN_HEADERS = frozenset({"authorization", "cookie", "idempotency-key"})


def request_of(
    operation: Operation, args: Mapping[str, Any], *, base_url: str, headers: Mapping[str, str], key: str | None
) -> Outgoing:
    """Return the request for a call whose arguments fit the tool's schema.

    Raises:
        ConnectorError: a value cannot stand where it would have to.
    """
    path = operation.path
    query: list[tuple[str, str]] = []
    sent: dict[str, str] = {"accept": "application/json, text/*;q=0.8, */*;q=0.5"}
    for parameter in operation.parameters:
        if parameter.argument not in args:
            continue
        value = args[parameter.argument]
        if parameter.place == "path":
            path = path.replace("{" + parameter.name + "}", _path_part(parameter.name, value))
        elif parameter.place == "query":
            query.extend((parameter.name, text) for text in _texts(value))
        elif parameter.name.lower() not in _LOGIN_HEADERS:
            sent[parameter.name] = ",".join(_texts(value))
    if "{" in path:
        raise faults.fault(faults.BAD_ARGUMENTS, "The path of this operation has a part that no argument fills.")
    content = None
    if operation.body_type is not None and "body" in args:
        sent["content-type"] = operation.body_type
        content = _body(operation.body_type, args["body"])
    if key and not operation.is_read:
        sent["idempotency-key"] = key
    # The connection's own headers come last: no argument can stand in for a login.
    own = {name.lower() for name in headers}
    merged = {name: text for name, text in _checked(sent).items() if name.lower() not in own}
    url = base_url.rstrip("/") + path + ("?" + urlencode(query) if query else "")
    return Outgoing(operation.method, url, {**merged, **headers}, content)


def _checked(headers: dict[str, str]) -> dict[str, str]:
    try:
        return net.checked_headers(headers)
    except ConnectorError as error:
        raise faults.fault(faults.BAD_ARGUMENTS, error.detail) from error


def _path_part(name: str, value: Any) -> str:
    text = ",".join(_texts(value))
    if text in ("", ".", ".."):
        raise faults.fault(faults.BAD_ARGUMENTS, f"The argument {name} cannot stand in a path as it is.")
    return quote(text, safe="")


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [_text(item) for item in cast("list[Any]", value)]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"))


def _body(media_type: str, value: Any) -> bytes:
    if media_type == "application/x-www-form-urlencoded":
        fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        return urlencode([(name, text) for name, item in fields.items() for text in _texts(item)]).encode()
    return json.dumps(value).encode()
