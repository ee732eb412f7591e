"""A call of a tool as the request that it is: the whole application answers it, and knows no difference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Scope

from signoff.api.identity import TOOL
from signoff.api.mcp.catalog import GIVEN, Offered
from signoff.kit.errors import Malformed

# What a model can still read; a longer answer is asked for in parts.
ANSWER_BYTES_MAX = 200_000
# What of the envelope belongs to each call: who calls, as what, and under which of our names.
_PASSED_ON = frozenset((b"host", b"authorization", b"x-agent-api-key", b"x-user-role", b"user-agent"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application answered. `is_whole`: false when it was longer than is kept."""

    status: int
    body: bytes
    is_whole: bool

    @property
    def is_good(self) -> bool:
        """Return whether what was asked for was done."""
        return self.status < 400


async def answer_to(app: ASGIApp, request: Request, tool: Offered, arguments: Mapping[str, Any], slug: str) -> Answer:
    """Send one call through the application and return its answer.

    Args:
        request: the envelope that brought the call.
        slug: the caller's workspace.

    Raises:
        Malformed: an argument is missing, unknown, or cannot stand in an address.
    """
    body = json.dumps(arguments["body"], ensure_ascii=False).encode("utf-8", "surrogatepass") if (
        arguments.get("body") is not None
    ) else b""  # fmt: skip
    return await _exchange(app, _scope(request, tool, arguments, slug, body), body)


def _scope(request: Request, tool: Offered, arguments: Mapping[str, Any], slug: str, body: bytes) -> Scope:
    _check_names(tool, arguments)
    headers = [(name, value) for name, value in request.scope["headers"] if name in _PASSED_ON]
    headers += [(b"accept", b"application/json")]
    if body:
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    for name, place in tool.places.items():
        if place == "header" and arguments.get(name) is not None:
            headers.append((name.lower().encode("ascii"), _header(name, arguments[name])))
    path = tool.path.replace(f"{{{GIVEN}}}", slug)
    for name, place in tool.places.items():
        if place == "path":
            path = path.replace(f"{{{name}}}", _part(name, arguments.get(name)))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": tool.method,
        "scheme": request.scope["scheme"],
        "path": path,
        "raw_path": quote(path, safe="/:").encode("ascii"),
        "query_string": _query(tool, arguments).encode("ascii"),
        "root_path": "",
        "headers": headers,
        "client": request.scope.get("client"),
        "server": request.scope.get("server"),
        "state": {TOOL: tool.name},
    }


def _check_names(tool: Offered, arguments: Mapping[str, Any]) -> None:
    unknown = sorted(set(arguments) - set(tool.places))
    if unknown:
        known = ", ".join(tool.places) or "none"
        raise Malformed(
            f"{tool.name} has no such argument. It takes: {known}.",
            errors={name[:200]: ["There is no such argument."] for name in unknown[:20]},
            code="invalid_request",
        )


def _part(name: str, value: Any) -> str:
    """Return one part of a path. That no part leads to another operation is asked once more where it is answered."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text or not text.isprintable() or any(mark in text for mark in "/\\?#%{}") or text in (".", ".."):
        raise Malformed(
            f"{name} does not fit: it is one name or id.",
            errors={name: ["One name or id, without / \\ ? # % { }."]},
            code="invalid_request",
        )
    return text


def _header(name: str, value: Any) -> bytes:
    text = str(value)
    if not text.isascii() or not text.isprintable():
        raise Malformed(f"{name} does not fit.", errors={name: ["Visible ASCII characters."]}, code="invalid_request")
    return text.encode("ascii")


def _query(tool: Offered, arguments: Mapping[str, Any]) -> str:
    pairs: list[tuple[str, str]] = []
    for name, place in tool.places.items():
        value = arguments.get(name)
        if place == "query" and value is not None:
            pairs += [(name, _text(one)) for one in (cast("list[Any]", value) if isinstance(value, list) else [value])]
    return urlencode(pairs, errors="replace")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


async def _exchange(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """Ask the application, keep no more of its answer than `ANSWER_BYTES_MAX`."""
    status, kept, size = 0, bytearray(), 0
    is_sent = False

    async def receive() -> Message:
        nonlocal is_sent
        if is_sent:
            await anyio.sleep_forever()  # The caller hangs up by cancelling the whole.
        is_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, size
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            part: bytes = message.get("body", b"")
            size += len(part)
            kept.extend(part[: max(0, ANSWER_BYTES_MAX - len(kept))])

    await app(scope, receive, send)
    return Answer(status, bytes(kept), is_whole=size <= ANSWER_BYTES_MAX)
