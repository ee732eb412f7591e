"""Lint of labels: what would loosen is told, and a target that no tool has. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.agents.lint import LintFacts, ToolFacts, lint
from signoff.connections.labels import ToolLabels
from tests.rooms.agents.kit_agents import body

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}, "text": {"type": "string"}}}
FACTS = LintFacts(
    slots={
        "mail": {
            "send": ToolFacts("send", SCHEMA, "accepted", ToolLabels("untrusted", "restricted", ("to",), ("text",))),
            "pay": ToolFacts("irreversible", SCHEMA, "accepted"),
            "vendor": ToolFacts("read", SCHEMA, "accepted", ToolLabels("trusted", "public")),
        }
    }
)


def found(tool: str, sop: str = "Pay only DE89370400440532013000.", **entry: Any) -> list[tuple[str, str, str]]:
    allowed = {"tool": tool, **entry}
    findings = lint(body(sop=sop, tools=[{"slot": "mail", "allow": [allowed]}]), facts=FACTS)
    return [
        (one.code, one.severity, one.path)
        for one in findings
        if one.code.startswith(("labels_", "sink_", "preapproved_"))
    ]


AT = "tools[0].allow[0]"


@pytest.mark.parametrize(
    ("tool", "entry", "expected"),
    [
        ("vendor", {"labels": {"result": "untrusted", "confidentiality": "restricted"}}, []),
        ("send", {"labels": {"sinks": ["to", "text"]}}, []),
        ("send", {"labels": {"result": "trusted"}}, [("labels_loosened", "error", f"{AT}.labels.result")]),
        ("send", {"labels": {"confidentiality": "public"}},
         [("labels_loosened", "error", f"{AT}.labels.confidentiality")]),
        ("send", {"labels": {"sinks": ["text"]}}, [("labels_loosened", "warning", f"{AT}.labels.sinks")]),
        ("pay", {"labels": {"sinks": ["to"]}}, [("labels_loosened", "warning", f"{AT}.labels.sinks")]),
        ("send", {"labels": {"sinks": ["to", "bcc"]}}, [("sink_unknown_argument", "error", f"{AT}.labels.sinks")]),
        ("send", {"labels": {"sinks": ["to", "to.address"]}}, []),
        ("pay", {"preapproved": True}, []),
        ("send", {"preapproved": True}, [("preapproved_without_effect", "info", f"{AT}.preapproved")]),
        ("send", {"preapproved": True, "effect": "irreversible"}, []),
        ("send", {"labels": "none"}, []),
        ("unknown", {"labels": {"result": "trusted"}}, []),
    ],
)  # fmt: skip
def test_each_finding(tool: str, entry: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert found(tool, **entry) == expected


def test_approval_beforehand_with_no_target_anywhere() -> None:
    assert found("pay", sop="", preapproved=True) == [("preapproved_nowhere", "warning", f"{AT}.preapproved")]
    assert found("pay", sop="", preapproved=True, args={"to": {"const": "x"}}) == []
