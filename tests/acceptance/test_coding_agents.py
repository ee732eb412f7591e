"""Coding agents use the product through its MCP server, with the protocol's own client."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from signoff.api.mcp.withheld import WITHHELD
from tests.acceptance.product import Product

T = TypeVar("T")
MODES: tuple[Literal["legacy", "2026-07-28"], ...] = ("legacy", "2026-07-28")


def through_mcp(
    product: Product, ask: Callable[[Client], Awaitable[T]], *, key: str = "", mode: Literal["legacy", "2026-07-28"]
) -> T:
    """What `ask` learns from a client of the protocol that sends `key`."""

    async def work() -> T:
        headers = {"Authorization": f"Bearer {key or product.key}"}
        http = httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False)
        there = streamable_http_client(f"{product.address}/mcp", http_client=http)
        async with http, Client(there, mode=mode) as client:
            return await ask(client)

    return anyio.run(work)


async def names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


def call(name: str, **arguments: Any) -> Callable[[Client], Awaitable[tuple[bool, Any]]]:
    """(is it an error, the JSON) that a call of a tool is answered."""

    async def ask(client: Client) -> tuple[bool, Any]:
        result = await client.call_tool(name, arguments)
        (block,) = result.content
        return bool(result.is_error), json.loads(getattr(block, "text", ""))

    return ask


@pytest.mark.parametrize("mode", MODES)
def test_d128_the_tools_are_the_operations_but_those_that_are_withheld(product: Product, mode: Any):
    document = product.client.get(f"{product.address}/v1/openapi.json").json()
    operations = {one["operationId"] for methods in document["paths"].values() for one in methods.values()}
    withheld = {name for name, reason in WITHHELD.items() if reason}
    listed = through_mcp(product, names, mode=mode)
    assert sorted(listed) == sorted(operations - withheld)
    deleting = {one["operationId"] for methods in document["paths"].values() for how, one in methods.items()
                if how == "delete"}  # fmt: skip
    assert deleting
    assert deleting & set(listed) == set()
    assert {"stop_agent", "create_key", "rotate_key", "create_secret", "approve", "sign_release"} <= withheld


@pytest.mark.parametrize("mode", MODES)
def test_d128_a_read_and_a_run_go_through_it(product: Product, mode: Any):
    slug = product.agent(f"d128-{mode[:4]}")
    refused, agents = through_mcp(product, call("agents", q=slug), mode=mode)
    assert not refused
    assert [one["slug"] for one in agents["items"]] == [slug]
    asked = {"agent": slug, "Idempotency-Key": f"d128-{mode}", "body": {"input": "Go.", "wait": True}}
    refused, ran = through_mcp(product, call("execute", **asked), mode=mode)
    assert not refused, ran
    assert product.record(ran["id"])["run"]["state"] == "completed"
    _, again = through_mcp(product, call("execute", **asked), mode=mode)
    assert again["id"] == ran["id"], "the same key is the same run"


def test_d128_without_a_key_it_is_401(product: Product):
    hello = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    takes = {"Accept": "application/json, text/event-stream"}
    for key in ("", "so_aaaaaaaaaa_" + "b" * 43):
        answer = product.call("POST", "/mcp", key=key, json=hello, headers=takes)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="signoff"'
        assert answer.json()["code"] == ("AGENT_API_KEY_INVALID" if key else "AGENT_API_KEY_MISSING")


def test_d128_a_key_that_only_reads_sees_and_does_no_more(product: Product):
    slug = product.agent("d128-reader")
    reader = product.new_key("read-only")["key"]
    listed = through_mcp(product, names, key=reader, mode="legacy")
    assert "agents" in listed
    assert "execute" not in listed
    refused, problem = through_mcp(product, call("execute", agent=slug, body={"input": "x"}), key=reader, mode="legacy")
    assert (refused, problem["status"], problem["required"]) == (True, 403, "run.start")
    assert product.get("runs", agent=slug)["items"] == []


def test_d128_what_is_done_through_it_says_so_in_the_audit(product: Product):
    made = {"slug": "d128-audit", "name": "D128", "body": product.body("d128-audit")}
    refused, answer = through_mcp(product, call("create_agent", body=made), mode="legacy")
    assert not refused, answer
    (row,) = [one for one in product.get("audit", action="agent.created", size=200)["items"]
              if one["object_id"] == answer["id"]]  # fmt: skip
    assert row["detail"]["origin"] == "mcp"
    assert row["detail"]["by_key"]
