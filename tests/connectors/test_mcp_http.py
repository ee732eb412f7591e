"""MCP over HTTP: what a server that fails says about the call, and where a login goes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors.mcp.link import open_mcp_http
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings
from tests.connectors.kit_http import Seen, http, saying, serve

pytestmark = pytest.mark.anyio
JSON = "content-type: application/json"


class OldServer:
    """The handshake of 2025-06-18 by hand; a call gets `answer`, raw."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer = answer

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        request: dict[str, Any] = json.loads(seen.body or b"{}")
        writer.write(self._answer(seen, request))
        await writer.drain()

    def _answer(self, seen: Seen, request: dict[str, Any]) -> bytes:
        method = request.get("method")
        if seen.method != "POST":
            return http(405)
        if method == "tools/call":
            return self.answer.replace(b"%ID%", json.dumps(request["id"]).encode())
        result: Any = None
        if method == "initialize":
            info = {"name": "old", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list":
            result = {"tools": [{"name": "a", "inputSchema": {"type": "object"}}]}
        if "id" not in request:
            return http(202)
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        body |= {"result": result} if result is not None else {"error": {"code": -32601, "message": "no"}}
        return http(200, json.dumps(body).encode(), JSON, "mcp-session-id: s1")


def answer(body: bytes) -> bytes:
    # The id's length is not known yet, so the connection's end is the body's.
    return b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n\r\n" + body


FINE = answer(b'{"jsonrpc":"2.0","id":%ID%,"result":{"content":[{"type":"text","text":"fine"}]}}')


async def test_an_old_server_is_spoken_to_in_its_way(outside: Settings) -> None:
    async with serve(OldServer(FINE)) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp"), "headers": {"Authorization": "Bearer s"}})
        assert [spec.name for spec in await link.list_tools()] == ["a"]
        assert (await link.call("a", {}, key="k1", timeout_seconds=5)).value == "fine"
        called = next(seen for seen in server.seen if b"tools/call" in seen.body)
        assert json.loads(called.body)["params"]["_meta"]["idempotencyKey"] == "k1"
        assert {seen.headers.get("authorization") for seen in server.seen} == {"bearer s"}
        await link.close()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (http(401), faults.SIGN_IN),
        (http(403), faults.WRONG_SCOPE),
        (http(429, b"", "retry-after: 3"), faults.RATE_LIMITED),
        (http(404), faults.UNREACHABLE),
        (http(400), faults.REJECTED),
        (http(500), faults.OUTCOME_UNKNOWN),
        (http(503, b"<html>"), faults.OUTCOME_UNKNOWN),
        (b"", faults.OUTCOME_UNKNOWN),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\ncontent-type: application/json\r\n\r\n{", faults.OUTCOME_UNKNOWN),
        (http(200, b"not json", JSON), faults.OUTCOME_UNKNOWN),
        (http(200, b"<html>", "content-type: text/html"), faults.OUTCOME_UNKNOWN),
        (http(202), faults.OUTCOME_UNKNOWN),
        (http(307, b"", "location: http://10.0.0.1/"), faults.REJECTED),
        (http(200, b"event: x\ndata: {\n\n", "content-type: text/event-stream"), faults.OUTCOME_UNKNOWN),
        (answer(b'{"jsonrpc":"2.0","id":%ID%,"result":{"content":7}}'), faults.OUTCOME_UNKNOWN),
        (answer(b'{"jsonrpc":"2.0","id":%ID%,"error":{"code":-32602,"message":"no"}}'), faults.REJECTED),
        (answer(b'{"jsonrpc":"2.0","id":%ID%,"error":{"code":-32603,"message":"boom"}}'), faults.OUTCOME_UNKNOWN),
    ],
)
async def test_what_an_answer_says_about_the_outcome(outside: Settings, raw: bytes, code: str) -> None:
    old = OldServer(raw)
    async with serve(old) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        with pytest.raises(ConnectorError) as caught:
            await asyncio.wait_for(link.call("a", {}, key="k", timeout_seconds=5), 10)
        assert caught.value.code == code
        old.answer = FINE
        if link.is_alive:
            assert (await link.call("a", {}, key="k", timeout_seconds=5)).value == "fine", "others are not disturbed"
        else:
            assert code == faults.UNREACHABLE
        await link.close()


async def test_a_server_that_went_away_was_not_asked(outside: Settings) -> None:
    async with serve(OldServer(FINE)) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
    await asyncio.sleep(0)
    with pytest.raises(ConnectorError) as caught:
        await link.call("a", {}, key="k", timeout_seconds=5)
    assert (caught.value.code, caught.value.is_transient) == (faults.UNREACHABLE, True)
    await link.close()


@pytest.mark.parametrize(
    ("raw", "code"),
    [(http(401), faults.SIGN_IN), (http(200, b"<html>", "content-type: text/html"), faults.UNREACHABLE),
     (http(500), faults.UNREACHABLE), (http(404), faults.BAD_CONFIG), (b"junk", faults.UNREACHABLE)],
)  # fmt: skip
async def test_what_is_no_mcp_server_is_told(outside: Settings, raw: bytes, code: str) -> None:
    async with serve(saying(raw)) as server:
        with pytest.raises(ConnectorError) as caught:
            await asyncio.wait_for(open_mcp_http(outside, {"url": server.url("/mcp")}), 20)
        assert caught.value.code == code


async def test_loopback_is_refused_where_the_operator_did_not_allow_it(outside: Settings) -> None:
    strict = outside.model_copy(update={"allow_loopback": False})
    async with serve(OldServer(FINE)) as server:
        with pytest.raises(ConnectorError) as caught:
            await open_mcp_http(strict, {"url": server.url("/mcp")})
        assert (caught.value.code, server.seen) == (faults.REFUSED_ADDRESS, [])
