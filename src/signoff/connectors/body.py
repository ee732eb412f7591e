"""The body of an answer, limited while it arrives: in bytes, also once unpacked, and in time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Protocol

import httpx2

from signoff.connectors import faults

_PIECE_BYTES = 65_536
# 16 + 15 means: gzip, with the largest window.
_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Unpacker(Protocol):
    """What zlib's own object offers; the library does not name its type."""

    @property
    def eof(self) -> bool:
        """Whether the packed data has ended."""
        ...

    @property
    def unconsumed_tail(self) -> bytes:
        """What was handed in and not looked at yet."""
        ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes:
        """Unpack at most `max_length` bytes."""
        ...

    def flush(self, length: int = ..., /) -> bytes:
        """Return what is left."""
        ...


class LimitedBody(httpx2.AsyncByteStream):
    """Passes on a body, unpacked, and stops with a fault at the limit.

    Args:
        encoding: the `Content-Encoding` the server named.
        deadline: seconds on the event loop's clock.
    """

    def __init__(self, inner: httpx2.AsyncByteStream, encoding: str, bytes_max: int, deadline: float) -> None:
        self._inner = inner
        self._encoding = encoding
        self._bytes_max = bytes_max
        self._deadline = deadline

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces.

        Raises:
            ConnectorError: it is too large, too slow, or packed in a way we do not accept.
        """
        unpack = self._unpacker()
        total = 0
        pieces = self._inner.__aiter__()
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    raw = await anext(pieces)
            except StopAsyncIteration:
                if unpack is not None and (rest := unpack.flush()):
                    yield rest
                return
            except TimeoutError:
                raise faults.fault(faults.TIMEOUT, "The server took too long to finish its answer.") from None
            while raw:
                piece, raw = (raw, b"") if unpack is None else self._unpacked(unpack, raw)
                total += len(piece)
                if total > self._bytes_max:
                    raise faults.fault(
                        faults.BAD_ANSWER, f"The answer is larger than the limit of {self._bytes_max:,} bytes."
                    )
                if piece:
                    yield piece

    def _unpacker(self) -> Unpacker | None:
        if self._encoding in ("", "identity"):
            return None
        if self._encoding not in _WINDOW:
            raise faults.fault(
                faults.BAD_ANSWER, f"The answer is packed with “{faults.quoted(self._encoding, 40)}”, not with gzip."
            )
        return zlib.decompressobj(_WINDOW[self._encoding])

    def _unpacked(self, unpack: Unpacker, raw: bytes) -> tuple[bytes, bytes]:
        """Return at most one piece, and what is still to be unpacked: a bomb never exists whole in memory."""
        try:
            piece = unpack.decompress(raw, _PIECE_BYTES)
        except zlib.error:
            raise faults.fault(faults.BAD_ANSWER, "The answer cannot be unpacked.") from None
        return piece, b"" if unpack.eof else unpack.unconsumed_tail

    async def aclose(self) -> None:
        """Give the connection back, or end it."""
        await self._inner.aclose()
