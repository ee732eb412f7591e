"""An MCP server of the official library with the tools the tests need.

Run: python bench.py stdio | python bench.py http PORT
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from typing import Any

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("bench", log_level="ERROR")
SEEN: dict[str, int] = {}


@server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
async def look_up(number: str, delay: float = 0.0) -> dict[str, Any]:
    """Look an order up."""
    await asyncio.sleep(delay)
    return {"number": number, "total": 120.5}


@server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True))
async def post_bill(number: str, ctx: Context) -> dict[str, Any]:
    """Post a bill. Counts by idempotency key."""
    meta: Any = ctx.request_context.meta or {}
    key = (meta if isinstance(meta, dict) else meta.model_dump()).get("idempotencyKey")
    SEEN[str(key)] = SEEN.get(str(key), 0) + 1
    return {"number": number, "key": key, "times": SEEN[str(key)]}


@server.tool(structured_output=False)
async def say_json() -> str:
    """Return text that is JSON."""
    return '{"a": [1, 2]}'


@server.tool(structured_output=False)
async def draw() -> Image:
    """Return a picture."""
    return Image(data=base64.b64decode("iVBORw0KGgo="), format="png")


@server.tool(structured_output=False)
async def fail(words: str) -> str:
    """Fail with words."""
    raise ValueError(words)


@server.tool(structured_output=False)
async def big(chars: int) -> str:
    """Return much text."""
    return "x" * chars


@server.tool(structured_output=False)
async def die() -> str:
    """End this program in the middle of the call."""
    os._exit(3)


@server.tool(structured_output=False)
async def pid() -> str:
    """Return this program's process id."""
    return str(os.getpid())


if __name__ == "__main__":
    if sys.argv[1] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
