"""What is wrong with gates, each told with its place; and what cannot be undone with nobody asked."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.agents.body import Body
from signoff.agents.bundle import read_texts, written
from signoff.agents.bundle.files import AgentFile
from signoff.agents.coverage import ungated
from signoff.agents.lint import LintFacts, ToolFacts, lint
from tests.rooms.agents.kit_agents import body

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"amount": {"type": "number"}, "to": {"type": "string"}}}
FACTS = LintFacts(
    slots={"erp": {"pay": ToolFacts("irreversible", SCHEMA, "accepted"), "look": ToolFacts("read", SCHEMA, "accepted")}}
)
TOOLS = [{"slot": "erp", "allow": [{"tool": "pay"}, {"tool": "look"}]}]


def found(gates: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, tuple[str, str]]:
    """Code → severity and path."""
    plain = body(tools=TOOLS, gates=[{"name": "g", "effects": ["irreversible"], **gate} for gate in gates or []])
    return {one.code: (one.severity, one.path) for one in lint({**plain, **changes}, facts=FACTS)}


def test_a_gate_that_is_right_has_no_finding():
    gate = {
        "title": "Pay {{args.amount}} to {{ args.to }}", "required": ["amount"], "asks": ["owner", "role:manager"],
        "unless": {"amount": {"maximum": 10}}, "reminders": [60], "may_endorse": ["to"],
        "escalation": [{"after_minutes": 120, "to": ["backup"]}, {"after_minutes": 240, "to": ["ann@x.example"]}],
    }  # fmt: skip
    assert set(found([gate])) == {"no_output_schema"}


@pytest.mark.parametrize(
    ("gate", "code", "severity", "path"),
    [
        ({"tools": ["erp.pai"]}, "gate_unknown_tool", "error", "gates[0].tools[0]"),
        ({"tools": ["crm.*"]}, "gate_unknown_tool", "error", "gates[0].tools[0]"),
        ({"effects": []}, "gate_empty", "error", "gates[0]"),
        ({"effects": ["send"]}, "gate_meets_nothing", "info", "gates[0].effects"),
        ({"asks": ["aprovers"]}, "gate_unknown_recipient", "error", "gates[0].asks[0]"),
        ({"asks": ["role:reviewer"]}, "gate_own_role", "info", "gates[0].asks[0]"),
        (
            {"escalation": [{"after_minutes": 5, "to": ["bos"]}]},
            "gate_unknown_recipient", "error", "gates[0].escalation[0].to[0]",
        ),
        ({"title": "Pay {{args.amout}}"}, "gate_unknown_argument", "warning", "gates[0].title"),
        ({"title": "Pay {{amount}}"}, "gate_template_misspelt", "warning", "gates[0].title"),
        ({"unless": {"sum": {"maximum": 1}}}, "gate_unknown_argument", "warning", "gates[0].unless.sum"),
        ({"required": ["sum"]}, "gate_unknown_argument", "error", "gates[0].required[0]"),
        ({"may_endorse": ["sum"]}, "gate_unknown_argument", "warning", "gates[0].may_endorse[0]"),
        ({"unless": {"amount": {}}}, "gate_never_asks", "warning", "gates[0].unless"),
        ({"unless": {"amount": {"type": "nothing"}}}, "bad_schema", "error", "gates[0].unless.amount.type"),
        ({"deadline_minutes": 60, "reminders": [60]}, "gate_after_deadline", "warning", "gates[0].reminders[0]"),
        (
            {"deadline_minutes": 60, "escalation": [{"after_minutes": 90, "to": ["owner"]}]},
            "gate_after_deadline", "warning", "gates[0].escalation[0].after_minutes",
        ),
        (
            {"escalation": [{"after_minutes": 90, "to": ["owner"]}, {"after_minutes": 30, "to": ["backup"]}]},
            "gate_rungs_unordered", "warning", "gates[0].escalation[1].after_minutes",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_gate_is_told_with_its_place(gate: dict[str, Any], code: str, severity: str, path: str):
    assert found([gate])[code] == (severity, path)


@pytest.mark.parametrize(
    ("unless", "is_wide"),
    [
        ({"amount": {"maximum": 1e12}}, True),
        ({"amount": {"minimum": -1e12}}, True),
        ({"amount": {"type": "number", "exclusiveMinimum": -1e12, "maximum": 2e9}}, True),
        ({"amount": {"maximum": 500}}, False),
        ({"amount": {"minimum": 0, "maximum": 1e12}}, False),
        ({"limited": {"maximum": 100}}, True),
        ({"limited": {"minimum": 0}}, True),
        ({"limited": {"maximum": 99}}, False),
        ({"amount": {"maximum": 1e12}, "to": {"const": "a"}}, False),
        ({"amount": {"maximum": 1e12}, "to": {}}, True),
        ({"to": {"maxLength": 1_000_000}}, True),
    ],
)
def test_a_gate_whose_exception_no_sensible_value_exceeds_is_told(unless: dict[str, Any], is_wide: bool):
    limited = {"type": "number", "minimum": 0, "maximum": 100}
    schema = {"type": "object", "properties": {**SCHEMA["properties"], "limited": limited}}
    facts = LintFacts(slots={"erp": {"pay": ToolFacts("irreversible", schema, "accepted")}})
    gate = {"name": "g", "tools": ["erp.pay"], "unless": unless}
    tools = [{"slot": "erp", "allow": [{"tool": "pay"}]}]
    told = [one for one in lint(body(tools=tools, gates=[gate]), facts=facts) if one.code == "gate_unless_wide"]
    assert [one.path for one in told] == (["gates[0].unless"] if is_wide else [])
    assert all("asks nobody" in one.text for one in told)


def test_two_gates_of_one_name_are_told():
    assert found([{}, {}])["duplicate_gate"] == ("error", "gates[1].name")


def test_whom_the_agent_itself_may_ask_is_checked_too():
    assert found([{}], asking={"questions": True, "asks": ["nobody"]})["gate_unknown_recipient"] == (
        "error", "asking.asks[0]",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gates", "is_open"),
    [
        ([], True),
        ([{"name": "g", "effects": ["irreversible"]}], False),
        ([{"name": "g", "tools": ["erp.pay"]}], False),
        ([{"name": "g", "tools": ["erp.*"]}], False),
        ([{"name": "g", "effects": ["send", "write"]}], True),
        ([{"name": "g", "tools": ["erp.look"]}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"amount": {"maximum": 500}}}], False),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"amount": {}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"amount": {"type": "number", "title": "x"}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {}}], False),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"pattern": ".*"}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"pattern": "^"}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"pattern": "^(.*)$"}, "amount": {}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"pattern": "a*"}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"pattern": "^a*$"}}}], False),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"pattern": "^(?!x)"}}}], False),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"minLength": 0}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"anyOf": [{"const": "a"}, {}]}}}], True),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"allOf": [{"const": "a"}, {}]}}}], False),
        ([{"name": "g", "tools": ["erp.pay"], "unless": {"to": {"not": {"const": "a"}}}}], False),
    ],
)
def test_what_cannot_be_undone_is_covered_by_a_gate_that_can_ask(gates: list[dict[str, Any]], is_open: bool):
    checked = Body.model_validate(body(tools=TOOLS, gates=gates))
    effects = {("erp", "pay"): "irreversible", ("erp", "look"): "read"}
    assert ungated(checked, effects) == (["erp.pay"] if is_open else [])
    codes = {one.code for one in lint(checked, facts=FACTS)}
    assert ("gate_missing" in codes) is is_open


def test_a_revision_that_calls_a_tool_irreversible_itself_is_held_to_that():
    tools = [{"slot": "erp", "allow": [{"tool": "look", "effect": "irreversible"}]}]
    assert ungated(Body.model_validate(body(tools=tools)), {("erp", "look"): "read"}) == ["erp.look"]


def test_an_agent_written_to_files_and_read_again_keeps_its_gates():
    gate = {"name": "g", "effects": ["irreversible"], "unless": {"to": {"enum": [], "const": None}}}
    plain = body(tools=TOOLS, gates=[gate], asking={"questions": True}, rules={"flow": "strict"})
    before = Body.model_validate(plain)
    texts = written(AgentFile("payer", "Payer", body=before.plain()))
    assert Body.model_validate(read_texts("payer", *texts).body).hash == before.hash
