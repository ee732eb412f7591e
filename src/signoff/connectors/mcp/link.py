"""The link to one MCP server, whatever carries it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp import MCPError
from mcp.client.session import ClientSession
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    PaginatedRequestParams,
)
from pydantic import TypeAdapter, ValidationError

from signoff.connectors import faults, net
from signoff.connectors.challenge import refused_login
from signoff.connectors.mcp.answers import answer_of, spec_of
from signoff.connectors.mcp.http import http_streams
from signoff.connectors.mcp.note import NOTE, Note
from signoff.connectors.mcp.process import ServerProcess
from signoff.connectors.mcp.session import Ended, Session
from signoff.connectors.mcp.stdio import StdioEnd, stdio_streams
from signoff.connectors.protocol import ToolAnswer, ToolSpec
from signoff.kit import clock
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

TOOLS_MAX = 1_000
_LIST_SECONDS_MAX = 20.0
_PAGES_MAX = 100
# How long a changed tool may go unnoticed while its session stands.
_OFFERS_SECONDS = 5.0
# What the library's client says when a session ended, and how it begins what it says of an answer; the rest is about
# its own types.
_CLOSED = "Connection closed"
_NOT_READ = ("Failed to parse JSON response", "Failed to parse SSE message")
_RESULT: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)


class McpLink:
    """An open MCP session. A server that once failed to answer in time is not asked again: the pool opens a new one."""

    def __init__(
        self, session: Session, *, hosts: tuple[str, ...], answer_chars_max: int, reason: Callable[[], str]
    ) -> None:
        self.hosts = hosts
        self.open_calls = 0
        self._session = session
        self._answer_chars_max = answer_chars_max
        self._reason = reason
        self._is_suspect = False
        self._offers: dict[str, ToolSpec] = {}
        self._offers_until = 0.0
        self._listing = asyncio.Lock()

    @property
    def is_alive(self) -> bool:
        """Whether the session stands and has not left a question unanswered."""
        return self._session.is_open and not self._is_suspect

    async def list_tools(self) -> list[ToolSpec]:
        """Return every tool, over all pages."""
        specs: dict[str, ToolSpec] = {}
        cursor: str | None = None
        for _ in range(_PAGES_MAX):
            page = await self._read(_page_at(cursor))
            for tool in page.tools:
                spec = spec_of(tool)
                if spec.name in specs:
                    raise faults.fault(
                        faults.BAD_ANSWER, f"The server lists the tool “{faults.quoted(spec.name, 60)}” twice."
                    )
                specs[spec.name] = spec
            cursor = page.next_cursor
            if cursor is None:
                return list(specs.values())
            if len(specs) > TOOLS_MAX:
                break
        raise faults.fault(faults.BAD_ANSWER, f"The server lists more than {TOOLS_MAX} tools, or lists without end.")

    async def offer(self, tool: str) -> ToolSpec | None:
        """Return the tool as it is offered now. The list is asked for again after a few seconds."""
        async with self._listing:
            if clock.monotonic_seconds() >= self._offers_until:
                self._offers = {spec.name: spec for spec in await self.list_tools()}
                self._offers_until = clock.monotonic_seconds() + _OFFERS_SECONDS
            return self._offers.get(tool)

    async def check(self) -> None:
        """Ask for the first page of tools: every server must be able to answer that."""
        await self._read(_page_at(None))

    async def _read(self, question: Callable[[ClientSession], Any]) -> Any:
        """Ask something that changes nothing: no failure of it leaves an open question about what happened."""
        try:
            return await self._ask(question, _LIST_SECONDS_MAX)
        except ConnectorError as error:
            if error.code != faults.OUTCOME_UNKNOWN:
                raise
            detail = error.detail.replace(" The call may or may not have been carried out.", "")
            raise faults.fault(faults.UNREACHABLE, detail) from error

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        """Call a tool; `key` goes into `_meta` as `idempotencyKey`."""
        meta: Any = {"idempotencyKey": key} if key else None
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=args, _meta=meta))

        async def question(session: ClientSession) -> CallToolResult | InputRequiredResult:
            return await session.send_request(request, _RESULT)

        result = await self._ask(question, timeout_seconds)
        if isinstance(result, InputRequiredResult):
            raise faults.fault(
                faults.REJECTED, "The server asks a question back before it acts, which runs cannot answer."
            )
        return answer_of(result, self._answer_chars_max)

    async def _ask(self, question: Callable[[ClientSession], Any], seconds: float) -> Any:
        note = Note()
        self.open_calls += 1
        try:
            return await self._session.ask(question, note, seconds)
        except TimeoutError:
            self._is_suspect = True
            raise faults.unknown_outcome(f"The server did not answer within {seconds:g} seconds.") from None
        except Ended:
            raise faults.unknown_outcome(f"The connection ended during the call. {self._reason()}") from None
        except MCPError as error:
            raise self._fault_of(error, note) from error
        except (ValidationError, RecursionError) as error:
            raise faults.unknown_outcome("The server answered with something that is not MCP.") from error
        finally:
            self.open_calls -= 1

    def _fault_of(self, error: MCPError, note: Note) -> ConnectorError:
        said = faults.quoted(error.message)
        if note.not_sent is not None:
            return note.not_sent
        if note.broken is not None:
            return faults.unknown_outcome(note.broken)
        if note.status is not None and note.status >= 300:
            return self._fault_of_status(note, said)
        if error.code in (METHOD_NOT_FOUND, INVALID_PARAMS):
            return faults.fault(faults.REJECTED, f"The server refused the call: {said}")
        # Over HTTP our own client uses these codes for an answer it could not read; over pipes only a server does.
        if error.code in (INVALID_REQUEST, PARSE_ERROR) and note.status is None:
            return faults.fault(faults.REJECTED, f"The server refused the call: {said}")
        # A server's own errors begin at the code that our client has for this; only the sentence tells them apart.
        if error.code == CONNECTION_CLOSED and error.message == _CLOSED:
            return faults.unknown_outcome(f"The connection ended during the call. {self._reason()}")
        if error.code == PARSE_ERROR and error.message.startswith(_NOT_READ):
            what = "JSON" if "Invalid JSON" in error.message else "MCP"
            return faults.unknown_outcome(f"The server answered with something that is not {what}.")
        return faults.unknown_outcome(f"The server failed: {said}")

    def _fault_of_status(self, note: Note, said: str) -> ConnectorError:
        status = note.status or 0
        if status in (401, 403):
            return refused_login(status, note.challenge)
        if status == 429:
            again = f" It asks to wait {faults.quoted(note.retry_after, 40)} s." if note.retry_after else ""
            return faults.fault(faults.RATE_LIMITED, f"The server takes no more calls for now.{again}")
        if status == 404:
            # The session is gone on the server's side; a new one may be had.
            self._is_suspect = True
            return faults.fault(faults.UNREACHABLE, "The server has forgotten the session.")
        if status < 500:
            return faults.fault(faults.REJECTED, f"The server refused the call (HTTP {status}): {said}")
        return faults.unknown_outcome(f"The server failed with HTTP {status}.")

    async def close(self) -> None:
        """End the session; a program is stopped and reaped."""
        await self._session.close()


def _page_at(cursor: str | None) -> Callable[[ClientSession], Any]:
    async def question(session: ClientSession) -> Any:
        return await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)

    return question


def _alone(session: Session) -> None:
    """Over HTTP nothing ends a session but its owner."""


async def _open(
    transport: AbstractAsyncContextManager[Any],
    settings: Settings,
    hosts: tuple[str, ...],
    reason: Callable[[], str],
    attach: Callable[[Session], None],
) -> McpLink:
    note = Note()
    token = NOTE.set(note)
    try:
        session = Session(transport, reason)
    finally:
        NOTE.reset(token)
    attach(session)
    await session.start(note)
    return McpLink(session, hosts=hosts, answer_chars_max=settings.tool_result_chars_max, reason=reason)


async def open_mcp_stdio(settings: Settings, config: Mapping[str, Any]) -> McpLink:
    """Start a program that the operator's settings name. Nothing but the name is ever taken from the connection.

    Raises:
        ConnectorError: the settings name no such program, or it does not come up.
    """
    name = config.get("command")
    found = settings.stdio_commands.get(name) if isinstance(name, str) else None
    if found is None or set(config) - {"command", "timeout_seconds"}:
        raise faults.fault(
            faults.BAD_CONFIG,
            f"The operator's settings name no program “{faults.quoted(str(name), 60)}” under stdio_commands. "
            "Only programs named there are started.",
        )
    process = await ServerProcess.start(found.command, found.args, found.env, found.cwd)
    end = StdioEnd(process)

    def attach(session: Session) -> None:
        end.on_end = session.end

    def reason() -> str:
        complaint = f" It wrote: {process.tail}" if process.tail else ""
        return f"{end.reason or ''}{complaint}".strip()

    return await _open(stdio_streams(end), settings, (), reason, attach)


async def open_mcp_http(settings: Settings, config: Mapping[str, Any]) -> McpLink:
    """Open a session over streamable HTTP.

    Raises:
        ConnectorError: the address is refused, or no MCP server answers there.
    """
    url = net.checked_url(str(config.get("url", "")))
    headers = net.checked_headers(config.get("headers"))
    transport = http_streams(settings, url, headers)
    return await _open(transport, settings, (net.host_of(url),), str, _alone)
