"""An outside system over streamable HTTP, with the official library: it writes each call it carries out into a file of
lines.

Run: python ledger_http.py FILE PORT.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

LEDGER = Path(sys.argv[1])
server = MCPServer("bank", log_level="ERROR")


def note(tool: str, n: str) -> str:
    """Write a call down."""
    with LEDGER.open("a") as file:
        file.write(json.dumps({"tool": tool, "n": n}) + "\n")
    return f"{tool} {n}"


@server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
async def balance(n: str) -> str:
    """Look an account up."""
    return note("balance", n)


@server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False))
async def book(n: str) -> str:
    """Book something."""
    return note("book", n)


@server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True))
async def transfer(n: str) -> str:
    """Transfer money."""
    return note("transfer", n)


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
