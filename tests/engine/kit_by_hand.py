"""An MCP server by hand, over HTTP: it says which tools it has, and each test's own does what they do."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from typing import Any

from tests.connectors.kit_http import Seen, http

_JSON = "content-type: application/json"


class ByHand(ABC):
    """Answers what the protocol asks. Who inherits says what it is called, its tools, and what a call does."""

    name = "by-hand"

    @abstractmethod
    def tools(self) -> list[dict[str, Any]]:
        """Return the tools as the protocol describes them."""

    @abstractmethod
    def done(self, tool: str, args: dict[str, Any]) -> str:
        """Carry a call out and return its text; one that begins with "ERROR" is a failure."""

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        request: dict[str, Any] = json.loads(seen.body or b"{}")
        if seen.method != "POST":
            writer.write(http(405))
        elif "id" not in request:
            writer.write(http(202))
        else:
            body = {"jsonrpc": "2.0", "id": request["id"], **self._said(request)}
            writer.write(http(200, json.dumps(body).encode(), _JSON, "mcp-session-id: s1"))
        await writer.drain()

    def _said(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["method"]:
            case "initialize":
                info = {"name": self.name, "version": "1"}
                return {"result": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}}
            case "tools/list":
                return {"result": {"tools": self.tools()}}
            case "tools/call":
                text = self.done(request["params"]["name"], request["params"].get("arguments") or {})
                is_error = text.startswith("ERROR")
                return {"result": {"content": [{"type": "text", "text": text}], "isError": is_error}}
            case _:
                return {"error": {"code": -32601, "message": "no"}}
