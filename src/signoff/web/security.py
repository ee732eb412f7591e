"""Rules for every request and answer, as plain ASGI: headers, origin, size of the body, and a name for the request.

None of them looks at who is signed in; they hold before that is known, also for a page that does not exist.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signoff.tables.session import be_brief

POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "font-src 'self'; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "frame-ancestors 'none'; "
    "base-uri 'none'; "
    "manifest-src 'self'"
)
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
BODY_BYTES_MAX = 2_000_000


class SecurityHeaders:
    """The same strict headers on every answer. A route that sets one of them itself (a download) keeps its own."""

    def __init__(self, app: ASGIApp, is_https: bool = False) -> None:
        self.app = app
        self.fixed = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "X-Frame-Options": "DENY",
            # What nobody said may be kept is not kept: most answers are one caller's own.
            "Cache-Control": "no-store",
        }
        if is_https:
            self.fixed["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.fixed.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Another site's page must not act with this site's cookie (CSRF), without a token in every form.

    Unsafe methods pass when ``Sec-Fetch-Site`` is ``same-origin`` or ``none``; where browsers do not send it (plain
    HTTP), the host of ``Origin`` must be ours. A request with a session cookie and neither header is no browser and is
    refused. Without the cookie there is nothing to borrow: API keys and bare clients pass, and are asked
    for a key later.
    """

    def __init__(
        self,
        app: ASGIApp,
        cookies: Iterable[str] = ("session", "__Host-session"),
        key_headers: Iterable[str] = ("authorization", "x-agent-api-key"),
        public_origins: Iterable[str] = (),
    ) -> None:
        self.app = app
        self.cookies = frozenset(cookies)
        self.key_headers = frozenset(name.lower() for name in key_headers)
        self.public_origins = frozenset(origin.rstrip("/").lower() for origin in public_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not self.is_allowed(scope):
            detail = "The request came from another site's page. Open Signoff in its own tab and do it there."
            await refuse(scope, send, 403, "cross_site_request", "Refused: not from this site", detail)
            return
        await self.app(scope, receive, send)

    def is_allowed(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        has_cookie = bool(self.cookies & _cookie_names(headers))
        if not has_cookie and any(headers.get(name) for name in self.key_headers):
            return True
        site = headers.get("sec-fetch-site")
        if site:
            return site in ("same-origin", "none") or self._is_public(headers.get("origin"))
        origin = headers.get("origin")
        if origin is None:
            return not has_cookie
        return self._is_public(origin) or _host(origin) == headers.get("host", "").lower()

    def _is_public(self, origin: str | None) -> bool:
        return origin is not None and origin.lower() in self.public_origins


def _cookie_names(headers: Headers) -> set[str]:
    return {part.split("=", 1)[0].strip() for line in headers.getlist("cookie") for part in line.split(";")}


def _host(origin: str) -> str | None:
    """The host (with its port, when given) of an origin; None for ``null`` and for garbage."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") and parts.netloc else None


class BodyLimit:
    """Refuses a body over the limit with 413, whether it says its length or not. ``larger`` lifts it by path prefix."""

    def __init__(self, app: ASGIApp, bytes_max: int = BODY_BYTES_MAX, larger: Mapping[str, int] | None = None) -> None:
        self.app = app
        self.bytes_max = bytes_max
        self.larger = dict(larger or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        limit = max((most for prefix, most in self.larger.items() if path.startswith(prefix)), default=self.bytes_max)
        declared = Headers(scope=scope).get("content-length", "")
        if not declared or (declared.isdecimal() and len(declared) < 19 and int(declared) <= limit):
            await self._counted(scope, receive, send, limit)
        else:
            await _too_large(scope, send, limit)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        seen = 0
        is_started = is_over = False

        async def receive_counted() -> Message:
            nonlocal seen, is_over
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    is_over = True
                    raise _TooLarge
            return message

        async def send_watched(message: Message) -> None:
            nonlocal is_started
            if is_over and not is_started:
                raise _TooLarge  # Whatever made another answer of it: the reason is ours to tell.
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive_counted, send_watched)
        except _TooLarge:
            if is_started:
                raise
            await _too_large(scope, send, limit)


class _TooLarge(Exception):
    """The body went over the limit while it was being read."""


async def _too_large(scope: Scope, send: Send, limit: int) -> None:
    detail = f"At most {limit / 1e6:g} MB can be sent at once. Send less, or send a link to it."
    await refuse(scope, send, 413, "body_too_large", "That is too large", detail)


class RequestId:
    """Gives each request a name, in ``request.state.request_id``, the log and the ``X-Request-Id`` of the answer."""

    GIVEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

    def __init__(self, app: ASGIApp, is_proxy_trusted: bool = False) -> None:
        self.app = app
        self.is_proxy_trusted = is_proxy_trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "") if self.is_proxy_trusted else ""
        name = given if self.GIVEN.fullmatch(given) else f"req_{secrets.token_hex(10)}"
        scope.setdefault("state", {})["request_id"] = name
        be_brief()

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = name
            await send(message)

        await self.app(scope, receive, send_named)


async def refuse(scope: Scope, send: Send, status: int, code: str, title: str, detail: str) -> None:
    """The answer before any route was asked: a problem document (RFC 9457), or plain words for a browser."""
    wants_page = "text/html" in Headers(scope=scope).get("accept", "")
    if wants_page:
        body, kind = f"{title}\n\n{detail}\n", "text/plain; charset=utf-8"
    else:
        name = scope.get("state", {}).get("request_id", "unknown")
        problem: dict[str, object] = {
            "type": f"urn:signoff:problem:{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "instance": f"urn:signoff:request:{name}",
            "code": code,
            "errors": {},
        }
        body = json.dumps(problem)
        kind = "application/problem+json"
    data = body.encode()
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(data)).encode()),
        (b"cache-control", b"no-store"),
        # The rest of a refused body is not read, so the connection cannot be used again.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": data})
