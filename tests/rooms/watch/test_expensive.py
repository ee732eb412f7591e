"""What costs money is known by the names of arguments, wherever in a call they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from signoff.agents.lint.facts import ToolFacts
from signoff.watch.probes.load_connections import tools_of
from tests.rooms.watch.kit_probes import BODY, GATE, GOOD, body, statuses


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"refundAmount": {"type": "number"}}, "false"),
        ({"lines": {"type": "array", "items": {"properties": {"price": {"type": "number"}}}}}, "false"),
        ({"amount": {"properties": {"value": {"type": "string"}, "currency": {"type": "string"}}}}, "false"),
        ({"payment": {"properties": {"note": {"type": "string"}}}}, "true"),
    ],
)
def test_a_tool_that_moves_money_and_asks_nobody_is_told(properties: dict[str, Any], status: str):
    offered = ToolFacts("write", {"properties": properties}, "accepted")
    allowed = [*BODY["tools"][0]["allow"], {"tool": "refund"}]
    narrow = {**GATE, "effects": ["irreversible"]}
    revision = body(tools=[{"slot": "erp", "allow": allowed}], gates=[narrow])
    known = tools_of(revision, {("erp", "refund"): offered})
    facts = replace(GOOD, tools={**GOOD.tools, **known}, body=revision)
    assert statuses(facts)["human.expensive_gated"] == status
