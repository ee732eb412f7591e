"""MCP over HTTP: what a server that fails says about the call, and where a login goes."""

from __future__ import annotations

import asyncio
import json

import pytest

from signoff.connectors import faults
from signoff.connectors.mcp.link import open_mcp_http
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings
from tests.connectors.kit_http import http, saying, serve
from tests.connectors.kit_mcp import BROKEN_OFF, FINE, JSON, SECOND_REPLY, STREAM, OldServer, answer

pytestmark = pytest.mark.anyio


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
    ("raw", "what"),
    [
        (http(200, b"not json", JSON), "JSON"),
        (http(200, b'{"ok": [true]}', JSON), "MCP"),
        (answer(b"event: message\ndata: {\n\n", STREAM), "JSON"),
    ],
)
async def test_an_answer_that_nobody_can_read_is_told_in_our_words(outside: Settings, raw: bytes, what: str) -> None:
    async with serve(OldServer(raw)) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        with pytest.raises(ConnectorError) as called:
            await link.call("a", {}, key="k", timeout_seconds=5)
        await link.close()
    words = f"The server answered with something that is not {what}."
    assert called.value.detail == f"{words} The call may or may not have been carried out."


@pytest.mark.parametrize("code", [-32000, -32001, -32603])
async def test_an_error_of_the_server_is_told_in_its_own_words(outside: Settings, code: int) -> None:
    error = b'{"jsonrpc":"2.0","id":%ID%,"error":{"code":%CODE%,"message":"The ledger is closed."}}'
    async with serve(OldServer(answer(error.replace(b"%CODE%", str(code).encode())))) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        with pytest.raises(ConnectorError) as called:
            await link.call("a", {}, key="k", timeout_seconds=5)
        await link.close()
    assert called.value.code == faults.OUTCOME_UNKNOWN
    assert called.value.detail.startswith("The server failed: The ledger is closed.")


async def test_a_list_that_is_not_json_is_told_in_our_words(outside: Settings) -> None:
    async with serve(OldServer(lists=http(200, b"{not json", JSON))) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        with pytest.raises(ConnectorError) as listed:
            await link.list_tools()
        await link.close()
    assert listed.value.detail == "The server answered with something that is not JSON."


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


@pytest.mark.parametrize(
    "rest",
    [http(401), http(403), http(404), http(405), http(429, b"", "retry-after: 3"), http(400), http(503), b"",
     http(307, b"", "location: http://10.0.0.1/")],
)  # fmt: skip
async def test_what_becomes_of_the_rest_of_an_answer_says_nothing_about_the_call(
    outside: Settings, rest: bytes
) -> None:
    """The server took the call; only the stream of its answer broke off, and its rest cannot be had."""
    async with serve(OldServer(BROKEN_OFF, rest=rest)) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        with pytest.raises(ConnectorError) as caught:
            await link.call("a", {}, key="k", timeout_seconds=5)
        assert [seen.method for seen in server.seen if seen.headers.get("last-event-id")] == ["GET", "GET"]
        assert (caught.value.code, link.is_alive) == (faults.OUTCOME_UNKNOWN, True)
        await link.close()


async def test_a_server_that_goes_away_after_it_took_the_call_may_have_acted(outside: Settings) -> None:
    """The client cannot connect for the rest of the answer. That the call was never sent is not what it means."""
    gone = OldServer(BROKEN_OFF)
    async with serve(gone) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        calling = asyncio.create_task(link.call("a", {}, key="k", timeout_seconds=5))
        await gone.was_called.wait()
    with pytest.raises(ConnectorError) as caught:
        await calling
    assert caught.value.code == faults.OUTCOME_UNKNOWN
    await link.close()


async def test_the_rest_of_an_answer_is_asked_for_and_taken(outside: Settings) -> None:
    rest = b'id: ev-2\ndata: {"jsonrpc":"2.0","id":%ID%,"result":{"content":[{"type":"text","text":"late"}]}}\n\n'
    async with serve(OldServer(BROKEN_OFF, rest=answer(rest, STREAM))) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        assert (await link.call("a", {}, key="k", timeout_seconds=5)).value == "late"
        await link.close()


@pytest.mark.parametrize("reply", [http(401), http(404), http(429), b""])
async def test_how_a_server_takes_our_reply_to_its_question_says_nothing_about_the_call(
    outside: Settings, reply: bytes
) -> None:
    """A server may ask something in the middle of a call, and then fail in a way that leaves the outcome open."""
    ping = b'data: {"jsonrpc":"2.0","id":"%d","method":"ping"}\n\n'
    failed = b'data: {"jsonrpc":"2.0","id":%ID%,"error":{"code":-32603,"message":"boom"}}\n\n'
    events = ping.replace(b"%d", b"1") + ping.replace(b"%d", b"2") + SECOND_REPLY + failed
    async with serve(OldServer(answer(events, STREAM), reply=reply)) as server:
        link = await open_mcp_http(outside, {"url": server.url("/mcp")})
        with pytest.raises(ConnectorError) as caught:
            await link.call("a", {}, key="k", timeout_seconds=5)
        assert (caught.value.code, link.is_alive) == (faults.OUTCOME_UNKNOWN, True)
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
