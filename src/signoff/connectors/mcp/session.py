"""One MCP session, owned by one task and borrowed by many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from mcp import Client, MCPError
from mcp.client.session import ClientSession
from mcp_types import Implementation

from signoff import __version__
from signoff.connectors import faults
from signoff.connectors.challenge import refused_login
from signoff.connectors.mcp.note import NOTE, Note
from signoff.kit.errors import ConnectorError

T = TypeVar("T")

START_SECONDS_MAX = 25.0
_CLOSE_SECONDS_MAX = 8.0


class Ended(Exception):
    """The session ended while something was asked."""


class Session:
    """The task that holds the session open, and the door for those who ask.

    Sampling and elicitation are not offered: a server that asks for them is refused by the client itself.
    """

    def __init__(self, transport: AbstractAsyncContextManager[Any], reason: Callable[[], str]) -> None:
        self._transport = transport
        self._reason = reason
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.get_running_loop().create_task(self._own())
        self._left_behind: set[asyncio.Task[Any]] = set()

    @property
    def is_open(self) -> bool:
        """Whether the session still stands."""
        return not self._owner.done() and not self._stop.is_set()

    def end(self) -> None:
        """Ask the owner to close the session; returns at once."""
        self._stop.set()

    async def start(self, note: Note) -> None:
        """Wait for the handshake.

        Raises:
            ConnectorError: the server did not come up.
        """
        try:
            async with asyncio.timeout(START_SECONDS_MAX):
                await asyncio.wait({self._ready, self._owner}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await self.close()
            raise faults.fault(
                faults.TIMEOUT, f"The server did not answer within {START_SECONDS_MAX:.0f} seconds. {self._reason()}"
            ) from None
        except BaseException:
            await self.close()
            raise
        if self._ready.done() and self._ready.exception() is None and self.is_open:
            return
        error = self._ready.exception() if self._ready.done() else None
        await self.close()
        raise _start_fault(error, note, self._reason())

    async def _own(self) -> None:
        try:
            info = Implementation(name="signoff", version=__version__)
            async with Client(self._transport, client_info=info, cache=None) as client:
                self._ready.set_result(client.session)
                await self._stop.wait()
        except Exception as error:  # noqa: BLE001 - whatever broke the session, its borrowers are told in words
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            self._stop.set()
            if not self._ready.done():
                self._ready.cancel()
            elif not self._ready.cancelled():
                self._ready.exception()

    async def ask(self, question: Callable[[ClientSession], Coroutine[Any, Any, T]], note: Note, seconds: float) -> T:
        """Put one question to the server. Returns or raises within `seconds`, whatever the server does.

        Raises:
            Ended: the session ended before the answer came.
            TimeoutError: there was no answer in time.
            MCPError, ValidationError: what the client made of the answer.
        """
        if not self.is_open:
            raise faults.fault(faults.UNREACHABLE, f"The connection has ended. {self._reason()}".strip())
        session = self._ready.result()

        async def with_note() -> T:
            NOTE.set(note)
            return await question(session)

        task = asyncio.get_running_loop().create_task(with_note())
        try:
            # Not `wait_for`: the client's own farewell to a server that does not read takes seconds of its own.
            await asyncio.wait({task, self._owner}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                self._leave(task)
        if task.done() and not task.cancelled():
            return task.result()
        if self._owner.done() or task.cancelled():
            raise Ended
        raise TimeoutError

    def _leave(self, task: asyncio.Task[Any]) -> None:
        """Cancel a question nobody waits for, and look at its outcome so that it does not warn later."""
        task.cancel()
        self._left_behind.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left_behind.discard(task)
        if not task.cancelled():
            task.exception()

    async def close(self) -> None:
        """End the session and whatever carries it."""
        self._stop.set()
        for waited in (_CLOSE_SECONDS_MAX, _CLOSE_SECONDS_MAX / 2):
            if not self._ready.done():
                self._owner.cancel()
            await asyncio.wait({self._owner}, timeout=waited)
            if self._owner.done():
                break
            self._owner.cancel()
        for task in list(self._left_behind):
            task.cancel()
        if self._left_behind:
            await asyncio.wait(self._left_behind, timeout=1.0)


def _start_fault(error: BaseException | None, note: Note, reason: str) -> ConnectorError:
    if note.not_sent is not None:
        return note.not_sent
    if note.status in (401, 403):
        return refused_login(note.status, note.challenge)
    if note.status is not None and note.status >= 400:
        code = faults.UNREACHABLE if note.status >= 500 or note.status == 429 else faults.BAD_CONFIG
        return faults.fault(code, f"The server answered HTTP {note.status}; is this the address of an MCP server?")
    said = f" It said: {faults.quoted(error.message)}." if isinstance(error, MCPError) else ""
    return faults.fault(faults.UNREACHABLE, f"The MCP server did not start a session.{said} {reason}".strip())
