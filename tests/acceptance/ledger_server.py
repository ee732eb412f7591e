"""An outside system for the checks: an MCP server that writes every call it carries out into a file of lines.

Run: python ledger_server.py FILE. A file `FILE.down` makes it die at the next `look`: the source is away. With
`FILE.down` holding a number it dies so many times and is well again.

It is written without the library, so that it starts in an instant however often it is killed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

LEDGER = Path(sys.argv[1])
DOWN = Path(f"{LEDGER}.down")
_lock = threading.Lock()


def tool(name: str, description: str, *, reads: bool = False, **properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    hints = {"readOnlyHint": reads, "destructiveHint": not reads}
    return {"name": name, "description": description, "inputSchema": schema, "annotations": hints}


N = {"type": "string"}
TOOLS = [
    tool("look", "Look something up.", reads=True, n=N),
    tool("wait", "Look something up that takes long.", reads=True, seconds={"type": "number"}),
    {**tool("post", "Post something.", n=N), "_meta": {"compensatedBy": "unpost"}},
    tool("pay", "Pay something.", n=N),
    tool("sign", "Post something with a token.", n=N, token=N),
    tool("fail", "Refuse.", n=N),
    tool("vanish", "Post something, and lose the answer.", n=N),
]


def send(message: dict[str, Any]) -> None:
    with _lock:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def note(name: str, arguments: dict[str, Any], key: str | None) -> None:
    line = json.dumps({"tool": name, "args": arguments, "key": key, "at": time.time()}) + "\n"
    with LEDGER.open("a") as file:
        file.write(line)


def is_down() -> bool:
    """Whether the source is away now; counts a numbered outage down."""
    if not DOWN.exists():
        return False
    left = DOWN.read_text().strip()
    if left:
        number = int(left) - 1
        DOWN.write_text(str(number)) if number > 0 else DOWN.unlink()
    return True


def carry_out(request: dict[str, Any]) -> None:
    params = request["params"]
    name, arguments = params["name"], params.get("arguments") or {}
    key = (params.get("_meta") or {}).get("idempotencyKey")
    if name == "look" and is_down():
        os._exit(4)
    note(name, arguments, key)
    if name == "vanish":
        os._exit(5)
    if name == "wait":
        time.sleep(float(arguments["seconds"]))
    words = f"no such order: {arguments['n']}" if name == "fail" else json.dumps({"ok": arguments})
    result = {"content": [{"type": "text", "text": words}], "isError": name == "fail"}
    send({"id": request["id"], "result": result})


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        method = request.get("method")
        if method == "initialize":
            info = {"name": "ledger", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
            send({"id": request["id"], "result": result})
        elif method == "tools/list":
            send({"id": request["id"], "result": {"tools": TOOLS}})
        elif method == "tools/call":
            threading.Thread(target=carry_out, args=(request,), daemon=True).start()
        elif "id" in request and "method" in request:
            send({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})


if __name__ == "__main__":
    main()
