"""The checks of an agent's own rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from signoff.agents.lint import LintFacts, ToolFacts, lint
from signoff.kit import clock

SCHEMA = {"type": "object", "properties": {"to": {}, "order": {}, "mail": {}}}
FACTS = LintFacts(
    slots={
        "erp": {
            "refund": ToolFacts("irreversible", SCHEMA, "accepted"), "find": ToolFacts("read", SCHEMA, "accepted"),
        }
    }
)  # fmt: skip


def codes(rules: dict[str, Any] | None = None, **refund: Any) -> set[tuple[str, str]]:
    body: dict[str, Any] = {
        "sop": "Work.",
        "model": {"name": "openai:gpt-5"},
        "tools": [{"slot": "erp", "allow": [{"tool": "refund", **refund}, {"tool": "find"}]}],
        "output_schema": {"type": "object"},
        "gates": [{"name": "refunds", "effects": ["irreversible"], "asks": ["owner"]}],
        **({"rules": rules} if rules else {}),
    }
    return {(finding.code, finding.path) for finding in lint(body, facts=FACTS)}


AT = "tools[0].allow[0]"
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def test_sound_rules_find_nothing() -> None:
    rules = {
        "windows": [
            {"zone": "Europe/Berlin"},
            {"days": DAYS, "opens": "22:00", "closes": "06:00", "tools": ["erp.find"]},
        ],
        "caps": [{"most": 10, "per": "day", "tools": ["erp.*"]}],
    }
    found = codes(
        rules,
        values={"to": {"kind": "domain", "allow": ["example.com"]}, "mail.cc": {"kind": "email", "deny": ["a@b.com"]}},
        requires=[{"tool": "erp.find", "result": {"status": {"const": "delivered"}}, "same": {"order": "args.order"}}],
    )
    assert found == set()


@pytest.mark.parametrize(
    ("rules", "code", "path"),
    [
        ({"windows": [{"zone": "Europe/Atlantis"}]}, "unknown_zone", "rules.windows[0].zone"),
        ({"windows": [{"opens": "08:00", "closes": "08:00"}]}, "window_empty", "rules.windows[0].opens"),
        ({"windows": [{"days": ["mon"]}, {"days": ["tue"]}]}, "window_never_opens", "rules.windows"),
        ({"caps": [{"most": 1, "per": "day", "tools": ["erp.refnud"]}]}, "rule_unknown_tool", "rules.caps[0].tools"),
        ({"windows": [{"tools": ["crm.*"]}]}, "rule_unknown_tool", "rules.windows[0].tools"),
        ({"windows": [{"opens": "8:00"}]}, "bad_name", "rules.windows[0].opens"),
    ],
)
def test_a_rule_that_could_not_hold_is_an_error(rules: dict[str, Any], code: str, path: str) -> None:
    assert codes(rules) == {(code, path)}


def test_a_window_closed_for_400_days_is_an_error() -> None:
    day = clock.now().date()
    mondays = [
        (day + timedelta(days=number)).isoformat()
        for number in range(-1, 410)
        if (day + timedelta(days=number)).weekday() == 0
    ]
    assert codes({"windows": [{"days": ["mon"], "holidays": mondays}]}) == {("window_never_opens", "rules.windows[0]")}


@pytest.mark.parametrize(
    ("refund", "code", "path"),
    [
        ({"values": {"from": {"deny": ["x"]}}}, "rule_unknown_argument", f"{AT}.values.from"),
        ({"values": {"to": {}}}, "values_empty", f"{AT}.values.to"),
        ({"values": {"to": {"kind": "email", "allow": ["ann"]}}}, "values_unreadable", f"{AT}.values.to"),
        ({"values": {"to": {"kind": "path", "allow": ["../x"]}}}, "values_unreadable", f"{AT}.values.to"),
        ({"requires": [{"tool": "erp.look"}]}, "requires_unknown_tool", f"{AT}.requires[0].tool"),
        ({"requires": [{"tool": "erp.refund"}]}, "requires_circle", f"{AT}.requires"),
        (
            {"requires": [{"tool": "erp.find", "same": {"nr": "args.order"}}]}, "rule_unknown_argument",
            f"{AT}.requires[0].same.nr",
        ),
        (
            {"requires": [{"tool": "erp.find", "result": {"s": {"type": "strng"}}}]}, "bad_schema",
            f"{AT}.requires[0].result.s.type",
        ),
    ],
)  # fmt: skip
def test_what_a_tool_says_wrongly_is_found(refund: dict[str, Any], code: str, path: str) -> None:
    assert codes(**refund) == {(code, path)}
