"""The HTTP client for model providers: bounded in size and time, no redirects.

Where it may connect is not checked here: the address of a provider stands in the operator's settings, or is built in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextvars import ContextVar

import httpx2
from pydantic_ai.models import create_async_httpx2_client

CONNECT_SECONDS = 10.0
ANSWER_SECONDS_MAX = 1_800.0

_answered_whole: ContextVar[bool] = ContextVar("answered_whole", default=False)


def answered_whole() -> bool:
    """Return whether the latest answer in this task came as one JSON document, also where a stream was asked for."""
    return _answered_whole.get()


class AnswerTooLarge(httpx2.TransportError):
    """The body of an answer went beyond the limit and was not read further."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(f"The answer is larger than {bytes_max:,} bytes.")
        self.bytes_max = bytes_max


class AnswerCompressed(httpx2.TransportError):
    """The answer came compressed though that was not asked for; a small one may unpack to gigabytes."""


class _Limited(httpx2.AsyncByteStream):
    """Passes a body on up to a limit."""

    def __init__(self, inner: httpx2.AsyncByteStream, bytes_max: int) -> None:
        self._inner = inner
        self._bytes_max = bytes_max

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._inner:
            seen += len(chunk)
            if seen > self._bytes_max:
                raise AnswerTooLarge(self._bytes_max)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def provider_client(bytes_max: int) -> httpx2.AsyncClient:
    """Return a client whose answers are at most `bytes_max` bytes. Proxies of the environment are used."""
    client = create_async_httpx2_client(timeout=httpx2.Timeout(ANSWER_SECONDS_MAX, connect=CONNECT_SECONDS))
    client.follow_redirects = False
    client.headers["Accept-Encoding"] = "identity"

    async def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise AnswerCompressed("The provider compressed its answer though that was not asked for.")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        _answered_whole.set(response.status_code == 200 and kind == "application/json")
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Limited(response.stream, bytes_max)

    client.event_hooks = {**client.event_hooks, "response": [bound]}
    return client
