"""MCP servers as they should not be, written without the library. Run: python odd.py WHAT [file]

It speaks the handshake of 2025-06-18 by hand, so that the old protocol is tested, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

WHAT = sys.argv[1]


def send(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def tool(name: str, description: str = "d", **more: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object"}, **more}


def tools(times: int) -> dict[str, Any]:
    if WHAT == "endless-tools":
        return {"tools": [tool(f"t{times}")], "nextCursor": str(times)}
    if WHAT == "twice":
        return {"tools": [tool("a"), tool("a")]}
    if WHAT == "huge-tool":
        return {"tools": [tool("a", "x" * 100_000)]}
    if WHAT == "long-name":
        return {"tools": [tool("a" * 300)]}
    if WHAT == "changing":
        return {"tools": [tool("a", f"version {times}")]}
    return {"tools": [tool("a")]}


def call(request: dict[str, Any]) -> None:  # noqa: C901, PLR0915 - one way to misbehave after the other
    if WHAT == "hang":
        time.sleep(3600)
    if WHAT == "exit":
        sys.stderr.write("cannot open the database\n")
        sys.stderr.flush()
        os._exit(7)
    if WHAT == "long-line":
        sys.stdout.write("x" * 9_000_000)
        sys.stdout.flush()
        time.sleep(3600)
    if WHAT == "garbage":
        for _ in range(1000):
            sys.stdout.write("Listening on port 3000 {\n\x00\xff")
        sys.stdout.flush()
        time.sleep(3600)
    if WHAT == "wrong-shape":
        send({"id": request["id"], "result": {"content": "not a list"}})
        return
    if WHAT == "wrong-envelope":
        send({"id": request["id"], "result": [1, 2]})
        return
    if WHAT == "wrong-error":
        send({"id": request["id"], "error": {"code": "NaN", "message": {"a": 1}}})
        return
    if WHAT == "rpc-error":
        send({"id": request["id"], "error": {"code": -32603, "message": "boom"}})
        return
    if WHAT == "refuse":
        send({"id": request["id"], "error": {"code": -32602, "message": "no such argument"}})
        return
    if WHAT == "sampling":
        send({"id": "s1", "method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}})
        answer = json.loads(sys.stdin.readline())
        send({"id": request["id"], "result": {"content": [{"type": "text", "text": json.dumps(answer)}]}})
        return
    if WHAT == "half-a-character":
        send({"id": request["id"], "result": {"content": [{"type": "text", "text": "cut\ud83d"}]}})
        return
    if WHAT == "deep":
        deep: Any = 1
        for _ in range(400):
            deep = [deep]
        send({"id": request["id"], "result": {"content": [], "structuredContent": {"a": deep}}})
        return
    if WHAT == "abyss":
        whole = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"content": [], "structuredContent": 0}})
        print(whole.replace(": 0}", ": " + "[" * 50_000 + "]" * 50_000 + "}"), flush=True)
        return
    if WHAT == "other-ids":
        send({"id": 99999, "result": {"content": []}})
        send({"method": "notifications/message", "params": {"level": "info", "data": "x"}})
    send({"id": request["id"], "result": {"content": [{"type": "text", "text": "fine"}]}})


def main() -> None:  # noqa: C901 - one way to misbehave after the other
    if WHAT == "dead":
        sys.stderr.write("ImportError: no module named erp\n")
        sys.exit(1)
    if WHAT == "silent":
        time.sleep(3600)
    if WHAT == "banner":
        sys.stdout.write("Welcome to the ERP server v1!\n\n")
    if WHAT == "stderr":
        while True:
            sys.stderr.write("noise " * 10_000)
    if WHAT == "children":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        Path(sys.argv[2]).write_text(f"{os.getpid()} {child.pid}")
    times = 0
    for line in sys.stdin:
        request = json.loads(line)
        method = request.get("method")
        if method == "initialize":
            info = {"name": "odd", "version": "1"}
            result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
            send({"id": request["id"], "result": result})
        elif method == "tools/list":
            times += 1
            send({"id": request["id"], "result": tools(times)})
        elif method == "tools/call":
            call(request)
        elif "id" in request and "method" in request:
            send({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})
    if WHAT in ("children", "stubborn"):
        time.sleep(3600)


if __name__ == "__main__":
    main()
