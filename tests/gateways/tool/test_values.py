"""Arguments have the values their lists allow."""

from __future__ import annotations

import pytest

from tests.gateways.kit_world import World
from tests.gateways.tool.kit_rules import done, with_tools

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_a_value_that_is_not_on_the_list_is_refused_and_nothing_is_sent(world: World) -> None:
    at = with_tools(world, post_bill={"values": {"note": {"kind": "domain", "allow": ["example.com"]}}})
    refused = await done(at, "post_bill", 1, note="eve@evil.com")
    assert (refused.kind, refused.code) == ("failed", "value_not_allowed")
    assert "eve@evil.com" in (refused.reason or "")
    left_out = await done(at, "post_bill", 2)
    assert left_out.code == "value_not_allowed"
    assert world.link.sent == []
    step = world.step(world.call().key)
    assert (step.state, step.verdicts[-1]["policy"]) == ("refused", "values")
    allowed = await done(at, "post_bill", 3, note="ann@mail.example.com")
    assert allowed.kind == "value"
    assert len(world.link.sent) == 1


async def test_a_rehearsal_meets_the_lists_too(world: World) -> None:
    at = with_tools(world, post_bill={"values": {"note": {"deny": ["x"]}}}).with_mode("sandbox")
    assert (await done(at, "post_bill", 1, note="X")).code == "value_not_allowed"
    assert (await done(at, "post_bill", 2, note="y")).kind == "value"
