"""Rules for every request before a route is asked, as plain ASGI."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signoff.api import problems
from signoff.kit import clock
from signoff.kit.logs import logging_as
from signoff.kit.rates import Grant

log = logging.getLogger("signoff.requests")

_HEADERS_MAX = 100
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class TrustedHosts:
    """Answers only under our own names: another site's name that points here (DNS rebinding) gets nothing.

    `*` trusts every name; `*.example.com` every name below.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self.app = app
        self.names = tuple(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_ours(Headers(scope=scope).getlist("host")):
            await self.app(scope, receive, send)
            return
        detail = "This server does not answer under that name. The operator lists its names in SIGNOFF_TRUSTED_HOSTS."
        await problems.respond(Request(scope), 400, "bad_host", detail)(scope, receive, send)

    def _is_ours(self, hosts: list[str]) -> bool:
        if len(hosts) != 1:
            return False
        try:
            parts = urlsplit(f"//{hosts[0]}")
            name = (parts.hostname or "").rstrip(".")
            _ = parts.port
        except ValueError:
            return False
        # Also an empty query or fragment: what stands behind the mark is another server's name to somebody.
        if not name or any(mark in hosts[0] for mark in "/?#@\\"):
            return False
        name = f"[{name}]" if ":" in name else name
        return any(
            known in ("*", name) or (known.startswith("*.") and name.endswith(known[1:])) for known in self.names
        )


def trusted_names(given: Iterable[str], public_url: str | None, host: str) -> list[str]:
    """Return the names to answer under: those given, else the public address and, on loopback, the machine's own."""
    names = list(given)
    if public_url:
        names.append(urlsplit(public_url).hostname or "")
    if _is_loopback(host):
        names += LOOPBACK
    return [name for name in names if name] or ["*"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class CleanAddress:
    """Refuses addresses no database takes and no link of ours has: control characters, NUL, a path beside itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_clean(scope):
            await self.app(scope, receive, send)
            return
        detail = "The address holds characters that no address of ours has."
        await problems.respond(Request(scope), 400, "bad_address", detail)(scope, receive, send)


def _is_clean(scope: Scope) -> bool:
    path: str = scope["path"]
    query: bytes = scope.get("query_string", b"")
    if not path.startswith("/") or not path.isprintable() or "\ufffd" in path or "\\" in path or "//" in path:
        return False
    if any(part in (".", "..") for part in path.split("/")):
        return False
    return b"%00" not in query and b"\x00" not in query


class CleanHead:
    """Refuses a head no client of ours sends: more than `bytes_max`, two lengths, a length beside chunks."""

    def __init__(self, app: ASGIApp, bytes_max: int) -> None:
        self.app = app
        self.bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        problem = self._problem(scope) if scope["type"] == "http" else None
        if problem is None:
            await self.app(scope, receive, send)
            return
        await problems.respond(Request(scope), *problem, headers={"Connection": "close"})(scope, receive, send)

    def _problem(self, scope: Scope) -> tuple[int, str, str] | None:
        lines: list[tuple[bytes, bytes]] = scope["headers"]
        size = sum(len(name) + len(value) + 4 for name, value in lines) + len(scope.get("raw_path") or b"")
        if size > self.bytes_max or len(lines) > _HEADERS_MAX:
            return 431, "head_too_large", f"At most {_HEADERS_MAX} headers and {self.bytes_max:,} bytes of them."
        names = [name for name, _ in lines]
        if names.count(b"content-length") > 1 or (b"content-length" in names and b"transfer-encoding" in names):
            return 400, "bad_head", "The request says in two ways how long its body is."
        if any(char < 32 and char != 9 for _, value in lines for char in value):
            return 400, "bad_head", "A header holds a control character."
        return None


class Crashes:
    """Answers what nobody caught, inside the rules for headers: the framework would answer outside of them."""

    def __init__(self, app: ASGIApp, answer: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_started = False

        async def send_watched(message: Message) -> None:
            nonlocal is_started
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, send_watched)
        except Exception as error:
            if is_started:
                raise
            answer = await self.answer(Request(scope), error)
            await answer(scope, receive, send)


class AccessLog:
    """One line per request: which route, how it ended, how long it took. Never the address itself, which may hold
    a one-time token, and never a body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = clock.monotonic_seconds(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _tell_rate(scope, message)
            await send(message)

        with logging_as(request_id=scope.get("state", {}).get("request_id", "")):
            try:
                await self.app(scope, receive, watch)
            finally:
                milliseconds = round((clock.monotonic_seconds() - started) * 1000)
                route = getattr(scope.get("route"), "path", "(no route)")
                facts = {"method": scope["method"], "route": route, "status": status, "ms": milliseconds}
                requests_by_status[status // 100] = requests_by_status.get(status // 100, 0) + 1
                log.log(logging.DEBUG if route.startswith("/static") else logging.INFO, "request", extra=facts)


# For /metrics: how many answers began with 2, 3, 4, 5 in this process.
requests_by_status: dict[int, int] = {}


def _tell_rate(scope: Scope, message: Message) -> None:
    grant: Grant | None = scope.get("state", {}).get("rate")
    if grant is None:
        return
    headers = MutableHeaders(scope=message)
    headers["RateLimit-Limit"] = str(grant.limit)
    headers["RateLimit-Remaining"] = str(grant.remaining)
    headers["RateLimit-Reset"] = str(grant.reset_seconds)
