"""An MCP server over HTTP without the library, so that a test decides about every byte of its answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.connectors.kit_http import Seen, http

JSON = "content-type: application/json"
STREAM = "content-type: text/event-stream"
SECOND_REPLY = b"%SECOND-REPLY%"
# An answer that breaks off after an event with an id: the client asks for its rest with GET and `Last-Event-ID`.
BROKEN_OFF = http(200, b"id: ev-1\nretry: 10\ndata: \n\n", STREAM)


class OldServer:
    """The handshake of 2025-06-18 by hand; a call gets `answer`, raw.

    Args:
        lists: what it says to a question for its tools, instead of the list of `tool`.
        rest: what it says to a client that asks for the rest of an answer.
        reply: what it says to a client that answers a question of the server's. Where SECOND_REPLY stands in an answer,
            it waits for two of them; they come one after the other, so the client has then dealt with the first.
    """

    def __init__(
        self, answer: bytes = b"", *, rest: bytes = b"", reply: bytes = b"", tool: str = "a", lists: bytes = b""
    ) -> None:
        self.tool, self.lists = tool, lists
        self.answer, self.rest, self.reply = answer, rest, reply
        self.last_id: bytes = b""
        self.replies = 0
        self.has_second_reply, self.was_called = asyncio.Event(), asyncio.Event()

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        request: dict[str, Any] = json.loads(seen.body or b"{}")
        if seen.method == "POST" and "method" not in request:
            self.replies += 1
            if self.replies == 2:
                self.has_second_reply.set()
            writer.write(self.reply)
        else:
            before, _, after = self._answer(seen, request).partition(SECOND_REPLY)
            writer.write(before)
            if after:
                await self.has_second_reply.wait()
            writer.write(after)
        await writer.drain()

    def _answer(self, seen: Seen, request: dict[str, Any]) -> bytes:
        method = request.get("method")
        if "last-event-id" in seen.headers:
            return self.rest.replace(b"%ID%", self.last_id)
        if seen.method != "POST":
            return http(405)
        if method == "tools/call":
            self.was_called.set()
            self.last_id = json.dumps(request["id"]).encode()
            return self.answer.replace(b"%ID%", self.last_id)
        result: Any = None
        if method == "initialize":
            info = {"name": "old", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        elif method == "tools/list" and self.lists:
            return self.lists
        elif method == "tools/list":
            result = {"tools": [{"name": self.tool, "inputSchema": {"type": "object"}}]}
        if "id" not in request:
            return http(202)
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        body |= {"result": result} if result is not None else {"error": {"code": -32601, "message": "no"}}
        return http(200, json.dumps(body).encode(), JSON, "mcp-session-id: s1")


def answer(body: bytes, content_type: str = JSON) -> bytes:
    # The id's length is not known yet, so the connection's end is the body's.
    return f"HTTP/1.1 200 OK\r\nconnection: close\r\n{content_type}\r\n\r\n".encode() + body


FINE = answer(b'{"jsonrpc":"2.0","id":%ID%,"result":{"content":[{"type":"text","text":"fine"}]}}')
