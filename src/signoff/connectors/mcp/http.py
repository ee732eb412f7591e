"""MCP over streamable HTTP, through the guarded client. A failed exchange fails one call, not the whole session."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client

from signoff.connectors import net
from signoff.connectors.mcp.note import NOTE, Note
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

EVENT_BYTES_MAX = 8_000_000
# A stream of server events may stay open for long; the time limit of a call is the caller's.
_STREAM_SECONDS_MAX = 6 * 3600.0


class OneCallTransport(httpx2.AsyncBaseTransport):
    """Turns what breaks one exchange into an answer of 502, with the reason on the call's note.

    An exception here would end the MCP client's task group, and with it every other call of the session.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; answer 502 when it, or the reading of a JSON body, fails."""
        note = (NOTE.get() if await _is_question(request) else None) or Note()
        try:
            response = await self._inner.handle_async_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol) as error:
            note.not_sent = net.fault_of(error)
            return httpx2.Response(502, request=request)
        except ConnectorError as error:
            note.not_sent = error
            return httpx2.Response(502, request=request)
        except httpx2.TransportError:
            note.broken = "The connection broke before the server answered."
            return httpx2.Response(502, request=request)
        note.status = response.status_code
        note.retry_after = response.headers.get("retry-after")
        note.challenge = response.headers.get("www-authenticate", "")[:4_000]
        if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            return response
        return await _read_whole(response, request, note)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


async def _is_question(request: httpx2.Request) -> bool:
    """Return whether this request carries the question itself.

    In the same context the client also asks for the rest of an answer that broke off, and answers what the server asks
    in between. What becomes of those says nothing about the call, which the server has taken by then.
    """
    if request.method != "POST":
        return False
    try:
        message: Any = json.loads(await request.aread())
    except (ValueError, RecursionError):
        return True
    return isinstance(message, dict) and "method" in message and "id" in message


async def _read_whole(response: httpx2.Response, request: httpx2.Request, note: Note) -> httpx2.Response:
    headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"transfer-encoding"]
    try:
        body = await response.aread()
    except ConnectorError as error:
        note.broken = error.detail
    except (httpx2.TransportError, httpx2.StreamError):
        note.broken = "The connection broke off in the middle of the answer."
    else:
        return httpx2.Response(response.status_code, headers=headers, content=body, request=request)
    finally:
        await response.aclose()
    return httpx2.Response(502, request=request)


@asynccontextmanager
async def http_streams(settings: Settings, url: str, headers: Mapping[str, str]) -> AsyncGenerator[Any]:
    """Connect the MCP client to the server at `url`; every request carries `headers`."""
    guard = net.guard_of(settings)
    inner = net.GuardedTransport(guard, deadline_seconds=_STREAM_SECONDS_MAX)
    client = httpx2.AsyncClient(
        transport=OneCallTransport(inner),
        headers=dict(headers),
        timeout=httpx2.Timeout(30.0, read=_STREAM_SECONDS_MAX),
        trust_env=False,
        follow_redirects=False,
    )
    async with client, streamable_http_client(url, http_client=client, max_sse_event_size=EVENT_BYTES_MAX) as streams:
        yield streams
