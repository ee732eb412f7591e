"""Every kind of connector against what all of them must do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from signoff.connections.states import KINDS
from signoff.connectors.opening import OPENERS
from signoff.connectors.pool import Pool
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings
from tests.connectors.conformance import DEMANDS, Case
from tests.connectors.conftest import SERVERS
from tests.connectors.kit_http import Seen, http, serve

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def mcp_stdio(settings: Settings) -> AsyncGenerator[Case]:
    yield Case(
        "mcp_stdio", {"command": "bench"}, "look_up", {"number": "PO-1"}, "PO-1", {"command": "sh"}, {"number": []},
        ("look_up", {"number": "1", "delay": 30}),
    )  # fmt: skip


@asynccontextmanager
async def mcp_http(settings: Settings) -> AsyncGenerator[Case]:
    async with serve(_nothing) as free:
        port = free.port
    process = await asyncio.create_subprocess_exec(sys.executable, str(SERVERS / "bench.py"), "http", str(port))
    try:
        for _ in range(200):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield Case(
            "mcp_http", {"url": f"http://127.0.0.1:{port}/mcp"}, "look_up", {"number": "PO-1"}, "PO-1",
            {"url": "http://10.0.0.1/mcp"}, {"number": []}, ("look_up", {"number": "1", "delay": 30}),
        )  # fmt: skip
    finally:
        process.kill()
        await process.wait()


async def _nothing(_seen: Seen, _writer: asyncio.StreamWriter) -> None:
    return


DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/orders/{number}": {
            "get": {
                "operationId": "look_up",
                "summary": "Look an order up.",
                "parameters": [{"name": "number", "in": "path", "required": True, "schema": {"type": "string"}}],
            }
        },
        "/slow": {"get": {"operationId": "slow", "summary": "Take long."}},
    },
}


@asynccontextmanager
async def openapi(settings: Settings) -> AsyncGenerator[Case]:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> None:
        if seen.target == "/slow":
            await asyncio.sleep(1)
        value = DOCUMENT if seen.target == "/openapi.json" else {"number": seen.target.rsplit("/", 1)[-1]}
        writer.write(http(200, json.dumps(value).encode(), "content-type: application/json"))
        await writer.drain()

    async with serve(answer) as server:
        yield Case(
            "openapi", {"url": server.url("/openapi.json"), "base_url": server.url("/")}, "look_up", {"number": "PO-1"},
            "PO-1", {"url": server.url("/orders/1")}, {"number": 1}, ("slow", {}),
        )  # fmt: skip


@asynccontextmanager
async def mail(settings: Settings) -> AsyncGenerator[Case]:
    folder = settings.mail_roots[0]
    (folder / "one.eml").write_bytes(b"From: a@b.example\nSubject: PO-1\n\nHello\n")
    yield Case("mail", {"folder": str(folder)}, "list_messages", {}, "PO-1", {"folder": "/etc"}, {"limit": 0})


@asynccontextmanager
async def files(settings: Settings) -> AsyncGenerator[Case]:
    folder = settings.mail_roots[0]
    (folder / "one.txt").write_text("PO-1")
    yield Case(
        "files", {"folder": str(folder)}, "read_file", {"path": "one.txt"}, "PO-1", {"folder": "/etc"}, {"path": 1}
    )


CASES: dict[str, Any] = {
    "mcp_stdio": mcp_stdio,
    "mcp_http": mcp_http,
    "openapi": openapi,
    "mail": mail,
    "files": files,
}


@pytest.mark.parametrize("demand", DEMANDS, ids=lambda demand: demand.__name__)
@pytest.mark.parametrize("kind", list(CASES))
async def test_it_conforms(outside: Settings, kind: str, demand: Callable[[Pool, Case], Awaitable[None]]) -> None:
    pool = Pool(outside)
    async with CASES[kind](outside) as case:
        try:
            await demand(pool, case)
        finally:
            await pool.close()
        with pytest.raises(ConnectorError, match="shutting down"):
            await pool.link("con_1", 1, case.kind, case.config)


async def test_every_kind_is_here() -> None:
    assert set(CASES) == set(OPENERS) == set(KINDS)
