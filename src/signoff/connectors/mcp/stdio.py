"""MCP over the pipes of a program: one message per line, each line limited, garbage counted."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, jsonrpc_message_adapter
from pydantic import ValidationError

from signoff.connectors import faults, plain
from signoff.connectors.mcp.process import ServerProcess

LINE_BYTES_MAX: Final = 8_000_000
# A banner on stdout is a mistake many servers make; a flood is a broken server.
GARBAGE_LINES_MAX: Final = 200
_ANSWERED: Final = re.compile(rb'[^\[]{0,200}?"id"\s*:\s*(\d{1,15})\s*,[^\[]{0,200}?"(?:result|error)"')
_NO_MESSAGE: Final = "its answer is not a message of MCP"

Incoming = SessionMessage | Exception
Streams = tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]


class TooLong(Exception):
    """A line passed the limit."""


class LineReader:
    """Cuts a stream of bytes into lines without ever holding more than one line and one chunk."""

    def __init__(self, limit: int = LINE_BYTES_MAX) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes.

        Raises:
            TooLong: a line has no end within the limit.
        """
        first, *rest = chunk.split(b"\n")
        self._add(first)
        if not rest:
            return []
        *whole, last = rest
        lines = [b"".join(self._parts), *whole]
        self._parts, self._size = [], 0
        self._add(last)
        return lines

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise TooLong
        self._parts.append(part)


def _message(line: bytes) -> JSONRPCMessage:
    """Return the message in a line.

    Raises:
        ValidationError, ValueError, RecursionError: there is none.
    """
    try:
        return jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        # Half a character, as of a text cut in the middle of an emoji, or a value nested deep: no reason to lose the
        # answer to a call that was carried out.
        return jsonrpc_message_adapter.validate_python(plain.clean(json.loads(line)), by_name=False)


def _in_its_place(line: bytes) -> JSONRPCMessage | None:
    """Return an error for the call that `line` means to answer, and None when it means to answer none.

    An answer that is no message of the protocol would be passed over, and its call waited for until its time is up.
    """
    try:
        said: Any = json.loads(line)
        number = said["id"] if "result" in said or "error" in said else None
    except RecursionError:
        # Nested so deep that nobody reads it; which call it answers is written before that.
        found = _ANSWERED.match(line)
        number = int(found[1]) if found else None
    except (KeyError, TypeError, ValueError):
        return None
    if number is None:
        return None
    try:
        return JSONRPCError(jsonrpc="2.0", id=number, error=ErrorData(code=INTERNAL_ERROR, message=_NO_MESSAGE))
    except ValueError:
        return None


def _nothing() -> None:
    """Nobody waits for the end yet."""


class StdioEnd:
    """Our end of the pipes. `reason` says why the connection ended, in words; `on_end` is called when it does."""

    def __init__(self, process: ServerProcess) -> None:
        self.process = process
        self.reason: str | None = None
        self.on_end: Callable[[], None] = _nothing
        self._garbage_lines = 0
        self._garbage = ""

    async def read_into(self, stream: MemoryObjectSendStream[Incoming]) -> None:
        """Pass on each message until the program ends, or stops making sense."""
        lines = LineReader()
        try:
            async with stream:
                while self.reason is None:
                    chunk = await self.process.read()
                    if not chunk:
                        await self._note_end()
                        return
                    for line in lines.feed(chunk):
                        await self._pass_on(line, stream)
        except TooLong:
            self.reason = f"The server sent a message of more than {LINE_BYTES_MAX // 1_000_000} MB."
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.reason = self.reason or "The connection was closed."
        finally:
            self.on_end()

    async def _note_end(self) -> None:
        code = await self.process.exit_code()
        ended = "closed its output" if code is None else f"ended with exit code {code}"
        self.reason = f"The server program {ended}."
        if self._garbage:
            self.reason += f" It had printed what is not MCP: “{self._garbage}”."

    async def _pass_on(self, line: bytes, stream: MemoryObjectSendStream[Incoming]) -> None:
        if not line.strip():
            return
        try:
            message = _message(line)
        except (ValidationError, ValueError, RecursionError):
            if (answer := _in_its_place(line)) is not None:
                await stream.send(SessionMessage(answer))
                return
            self._garbage_lines += 1
            self._garbage = self._garbage or faults.quoted(line[:400].decode("utf-8", "replace"), 120)
            if self._garbage_lines > GARBAGE_LINES_MAX:
                self.reason = f"The server prints what is not MCP to its output: “{self._garbage}”."
            return
        await stream.send(SessionMessage(message))

    async def write_from(self, stream: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Write each message as one line until the program is gone."""
        try:
            async with stream:
                async for item in stream:
                    text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
                    await self.process.write(text.encode("utf-8", "replace") + b"\n")
        except OSError:
            self.reason = self.reason or "The server program does not read its input any more."
        finally:
            self.on_end()


@asynccontextmanager
async def stdio_streams(end: StdioEnd) -> AsyncGenerator[Streams]:
    """Connect the pipes to streams the MCP client reads and writes; stop the program afterwards, come what may."""
    incoming, read = anyio.create_memory_object_stream[Incoming](0)
    # Room for a few: the client's farewell to a program that does not read must not hold anybody up.
    write, outgoing = anyio.create_memory_object_stream[SessionMessage](16)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(end.read_into(incoming)), loop.create_task(end.write_from(outgoing))]
    try:
        yield read, write
    finally:
        for task in tasks:
            task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.gather(*tasks, return_exceptions=True)
            await end.process.stop()
        for stream in (incoming, read, write, outgoing):
            stream.close()
