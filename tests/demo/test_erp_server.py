"""The ERP as an agent meets it: over MCP."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from signoff.demo import erp_server
from signoff.demo.erp import tally, tokens
from signoff.demo.erp.seed import PURCHASE_ORDERS

pytestmark = pytest.mark.anyio
ORDER = PURCHASE_ORDERS[20]


@pytest.fixture
def erp(tmp_path: Path) -> Path:
    return tmp_path / "erp.sqlite"


def bill(token: str) -> dict[str, Any]:
    return {
        "po_number": ORDER.number,
        "vendor": ORDER.vendor.id,
        "invoice_number": "R-77",
        "amount": ORDER.total_cents / 100,
        "currency": ORDER.vendor.currency,
        "token": token,
    }


async def test_reads_and_writes_are_told_apart(erp: Path) -> None:
    async with Client(erp_server.build(erp)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    reads = {name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint}
    assert reads == {"find_purchase_orders", "get_purchase_order", "get_vendor", "list_bills"}
    assert set(tools) - reads == {"post_bill", "flag_mismatch"}
    assert all(tools[name].annotations.idempotent_hint for name in tools)  # pyright: ignore[reportOptionalMemberAccess]


async def test_the_key_in_meta_makes_a_repeat_harmless(erp: Path) -> None:
    token = tokens.issue(erp)
    async with Client(erp_server.build(erp)) as client:
        meta: Any = {"idempotencyKey": "run_1:call_1"}
        first = await client.call_tool("post_bill", bill(token), meta=meta)
        again = await client.call_tool("post_bill", bill(token), meta=meta)
    assert not first.is_error
    assert first.structured_content
    assert first.structured_content["outcome"] == "posted"
    assert again.structured_content
    assert again.structured_content["replayed"] is True
    assert [row.idempotency_key for row in tally.effects(erp)] == ["run_1:call_1"] * 2


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("get_purchase_order", {"po_number": "PO-1999-0001"}, "There is no purchase order"),
        ("post_bill", bill("wrong"), "does not know this token"),
        ("flag_mismatch", {"po_number": "", "invoice_number": "", "reason": "mood", "details": ""}, "reason"),
    ],
)
async def test_errors_are_sentences(erp: Path, tool: str, arguments: dict[str, Any], words: str) -> None:
    async with Client(erp_server.build(erp)) as client:
        answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    assert words in json.dumps([part.model_dump() for part in answer.content])


async def test_it_runs_over_stdio(erp: Path) -> None:
    program = StdioServerParameters(
        command=sys.executable, args=["-m", "signoff.demo.erp_server"], env={"ERP_DATABASE": str(erp)}
    )
    async with Client(stdio_client(program)) as client:
        answer = await client.call_tool("get_purchase_order", {"po_number": ORDER.number})
    assert answer.structured_content
    assert answer.structured_content["vendor"] == ORDER.vendor.name


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["http", "--help"]])
def test_it_says_how_it_is_started_instead_of_starting(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], erp: Path
) -> None:
    monkeypatch.setenv("ERP_DATABASE", str(erp))
    erp_server.main(words)
    assert "python -m signoff.demo.erp_server http PORT" in capsys.readouterr().out
    assert not erp.exists()


@pytest.mark.parametrize("words", [["--port", "1"], ["http", "x"], ["stdio"]])
def test_what_it_does_not_understand_ends_it(words: list[str], monkeypatch: pytest.MonkeyPatch, erp: Path) -> None:
    monkeypatch.setenv("ERP_DATABASE", str(erp))
    with pytest.raises(SystemExit, match="not understood"):
        erp_server.main(words)
    assert not erp.exists()
