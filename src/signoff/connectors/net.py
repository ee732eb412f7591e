"""The one way to speak HTTP to the outside: every connection is checked where it is made, every answer is limited."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from signoff.connectors import faults
from signoff.connectors.addresses import AddressRules, is_permitted, is_port_permitted, networks_of
from signoff.connectors.body import LimitedBody
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

Resolver = Callable[[str, int], Awaitable[list[str]]]

BODY_BYTES_MAX = 10_000_000
CONNECT_SECONDS_MAX = 10.0
_URL_CHARS_MAX = 2_048
_HEADER_NAME = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
_HEADER_VALUE = re.compile(r"^[\t\x20-\x7e\x80-\xff]{0,8192}$")
# Set by us or by the protocol; a configured one could split requests or reach another host behind the same address.
_HEADERS_REFUSED = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
)
_HEADERS_REFUSED_PREFIX = "proxy-"


async def resolve(host: str, port: int) -> list[str]:
    """Return every address of `host`, asked of the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Guard:
    """What may be reached, and who is asked for addresses."""

    rules: AddressRules
    resolver: Resolver = resolve


def guard_of(settings: Settings) -> Guard:
    """Return the guard the operator's settings ask for."""
    return Guard(AddressRules(settings.allow_loopback, networks_of(settings.allow_private_networks)))


def checked_url(text: str) -> str:
    """Return `text` if it can be the address of an outside system.

    Raises:
        ConnectorError: it is not http or https, holds a login, or names a port that is not a web server's.
    """
    try:
        url = httpx2.URL(text) if 0 < len(text) <= _URL_CHARS_MAX else None
        port = port_of(url) if url is not None else 0
    except (httpx2.InvalidURL, ValueError, UnicodeError):
        url, port = None, 0
    if url is None or url.scheme not in ("http", "https") or not url.host or not text.isprintable():
        raise faults.fault(faults.BAD_CONFIG, f"“{faults.quoted(text, 100)}” is not an http or https address.")
    if url.userinfo:
        raise faults.fault(
            faults.BAD_CONFIG, "The address holds a login. Put it into a header, as a secret: {{secret.NAME}}."
        )
    if not is_port_permitted(port):
        raise faults.fault(faults.REFUSED_ADDRESS, f"Port {port} is not one that requests are sent to.")
    return str(url)


def checked_headers(value: Any) -> dict[str, str]:
    """Return configured headers.

    Raises:
        ConnectorError: one of them is not a header, or is one that we set.
    """
    headers: dict[str, str] = {}
    for name, text in dict(value or {}).items():
        lowered = str(name).lower()
        if (
            not _HEADER_NAME.fullmatch(str(name))
            or not isinstance(text, str)
            or not _HEADER_VALUE.fullmatch(text)
            or lowered in _HEADERS_REFUSED
            or lowered.startswith(_HEADERS_REFUSED_PREFIX)
        ):
            raise faults.fault(faults.BAD_CONFIG, f"The header “{faults.quoted(str(name), 60)}” cannot be sent.")
        headers[str(name)] = text
    return headers


def port_of(url: httpx2.URL) -> int:
    """Return the port a request to `url` goes to."""
    return url.port or (443 if url.scheme == "https" else 80)


def host_of(url: str | httpx2.URL) -> str:
    """Return where a secret sent to `url` goes: the host, with its port unless that is 443.

    So a change from https to http is another host, too.
    """
    parsed = httpx2.URL(url)
    name = parsed.host.lower().rstrip(".")
    port = port_of(parsed)
    return name if port == 443 else f"{name}:{port}"


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to addresses it has looked at itself, so that a second answer of DNS changes nothing."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        # The library declares this name twice, once for installations without anyio.
        backend: Any = httpcore2.AnyIOBackend()
        self._inner: httpcore2.AsyncNetworkBackend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check every address, connect to one of them, and check whom we reached.

        Raises:
            ConnectorError: an address, or the port, is not permitted.
        """
        if not is_port_permitted(port):
            raise faults.fault(faults.REFUSED_ADDRESS, f"Port {port} is not one that requests are sent to.")
        addresses = await self._addresses(host, port, timeout)
        error: Exception | None = None
        for address in addresses[:4]:
            try:
                stream = await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
                continue
            reached: Any = stream.get_extra_info("server_addr")
            if not (isinstance(reached, tuple) and is_permitted(str(reached[0]), self._guard.rules)):  # pyright: ignore[reportUnknownArgumentType]
                await stream.aclose()
                raise _refused(host)
            return stream
        raise error or httpcore2.ConnectError(f"{host} has no address")

    async def _addresses(self, host: str, port: int, seconds: float | None) -> list[str]:
        try:
            async with asyncio.timeout(seconds):
                found = await self._guard.resolver(host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"no answer about {host}") from error
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} is not known") from error
        # One bad address among good ones is an attack or a mistake; neither is worth a guess.
        if any(not is_permitted(address, self._guard.rules) for address in found):
            raise _refused(host)
        return found

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no connection leads to a socket of this machine."""
        raise faults.fault(faults.REFUSED_ADDRESS, "Sockets of this machine are not reached.")

    async def sleep(self, seconds: float) -> None:
        """Pause between attempts."""
        await self._inner.sleep(seconds)


def _refused(host: str) -> ConnectorError:
    return faults.fault(
        faults.REFUSED_ADDRESS,
        f"{faults.quoted(host, 100)} leads to an address that is not public. "
        "The operator can allow loopback or private networks in the settings.",
    )


@cache
def _tls() -> Any:
    return httpx2.create_ssl_context()


class GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx's own transport over the guarded backend: no proxies, no sockets, bodies limited as they arrive."""

    def __init__(self, guard: Guard, *, body_bytes_max: int = BODY_BYTES_MAX, deadline_seconds: float = 60.0) -> None:
        # Not super().__init__: it would build a pool of its own with the plain backend.
        self._body_bytes_max = body_bytes_max
        self._deadline_seconds = deadline_seconds
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=50,
            max_keepalive_connections=10,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(guard),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and limit the body of what comes back."""
        request.headers["accept-encoding"] = "gzip"
        deadline = asyncio.get_running_loop().time() + self._deadline_seconds
        async with asyncio.timeout_at(deadline):
            response = await super().handle_async_request(request)
        if not isinstance(response.stream, httpx2.AsyncByteStream):
            return response
        encoding = response.headers.get("content-encoding", "").strip().lower()
        headers = [
            (name, value)
            for name, value in response.headers.raw
            if not encoding or name.lower() not in (b"content-encoding", b"content-length")
        ]
        return httpx2.Response(
            response.status_code,
            headers=headers,
            stream=LimitedBody(response.stream, encoding, self._body_bytes_max, deadline),
            extensions=response.extensions,
            request=request,
        )


def client_of(
    guard: Guard,
    *,
    headers: Mapping[str, str] | None = None,
    seconds: float = 60.0,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> httpx2.AsyncClient:
    """Return a client for requests of at most `seconds` in all and answers of at most `body_bytes_max` bytes."""
    return httpx2.AsyncClient(
        transport=GuardedTransport(guard, body_bytes_max=body_bytes_max, deadline_seconds=seconds),
        headers=dict(headers or {}),
        timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS_MAX)),
        trust_env=False,
        follow_redirects=False,
    )


def fault_of(error: Exception) -> ConnectorError:
    """Return the fault for a request that never left."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return faults.fault(faults.UNREACHABLE, "The server could not be reached in time.")
    return faults.fault(faults.UNREACHABLE, f"The server could not be reached: {faults.quoted(str(error), 150)}.")
