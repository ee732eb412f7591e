"""Arguments have the values their lists allow."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.gateways.chain import Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import tool_facts
from signoff.gateways.tool.policies.values import Values
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


def checked(world: World, call: ToolCall) -> Verdict:
    with world.store.read() as session:
        facts = tool_facts(session, world.services, world.run, call)
    return Values().check((world.run, call), facts)


@pytest.mark.parametrize(
    "args",
    [
        {"subject": "Bill 7\r\nBcc: eve@evil.example"}, {"Subject": "a\nb"},
        {"to": "ann@example.com\nbcc: eve@evil.example"},
        {"headers": {"X-Note": "a\r\nX-Other: b"}}, {"headers": {"X\nY": "a"}}, {"replyTo": "a%0d%0ab"},
        {"mail": {"subject": "a\u2028b"}},
    ],
)  # fmt: skip
async def test_a_line_break_in_what_becomes_a_header_is_refused(world: World, args: dict[str, Any]) -> None:
    verdict = checked(world, world.call("post_bill", 1, **args))
    assert (verdict.kind, verdict.code) == ("deny", "value_not_allowed")
    assert "would begin a header of its own" in (verdict.reason or "")


async def test_a_line_break_in_a_text_is_none_of_a_header(world: World) -> None:
    call = world.call("post_bill", 1, note="One\nTwo", subject="One line")
    assert checked(world, call).kind == "allow"
