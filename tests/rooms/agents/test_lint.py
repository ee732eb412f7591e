"""Lint: every finding at once, each with its code, place and line, whatever shape the body has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.agents.body import Body
from signoff.agents.findings import FINDINGS_MAX, Finding
from signoff.agents.lint import LintFacts, ToolFacts, lint
from tests.rooms.agents.kit_agents import body

SCHEMA = {"type": "object", "properties": {"number": {"type": "string"}, "total": {"type": "number"}}}
FACTS = LintFacts(
    slots={
        "erp": {
            "find_order": ToolFacts("read", SCHEMA, "accepted"),
            "post_bill": ToolFacts("irreversible", SCHEMA, "accepted"),
            "moved": ToolFacts("read", SCHEMA, "changed"),
            "left": ToolFacts("read", SCHEMA, "removed"),
            "fresh": ToolFacts("irreversible", SCHEMA, "new"),
        }
    },
    secrets=frozenset({"ERP_TOKEN"}),
    slots_missing={"erp": ("production",)},
    secrets_missing={"ERP_TOKEN": ("production",)},
    known_model=lambda name: name != "openai:gpt-none",
    has_price=lambda name: name != "local:free",
)


def slot(*tools: Any, name: str = "erp") -> dict[str, Any]:
    return {"slot": name, "allow": [{"tool": tool} if isinstance(tool, str) else tool for tool in tools]}


def only(code: str, found: list[Finding]) -> Finding:
    matching = [finding for finding in found if finding.code == code]
    assert len(matching) == 1, [finding.code for finding in found]
    return matching[0]


def test_a_good_body_has_no_error():
    assert {finding.code for finding in lint(body(), facts=FACTS)} == {"no_output_schema"}
    assert lint(Body.model_validate(body(output_schema=SCHEMA)), facts=FACTS) == []


CASES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("missing_required", "error", "model", {"model": ...}),
    ("unknown_field", "error", "modle", {"modle": 1}),
    ("unknown_field", "error", "model.settings.temprature", {"model": {"name": "a:bb", "settings": {"temprature": 1}}}),
    ("wrong_type", "error", "limits.turns", {"limits": {"turns": "4"}}),
    ("wrong_type", "error", "tools[0]", {"tools": ["erp"]}),
    ("wrong_type", "error", "sop", {"sop": 5}),
    ("invalid_option", "error", "model.on_outage", {"model": {"name": "a:bb", "on_outage": "cry"}}),
    ("invalid_option", "error", "tools[0].allow[0].effect", {"tools": [slot({"tool": "find_order", "effect": "nil"})]}),
    ("out_of_range", "error", "limits.turns", {"limits": {"turns": 0}}),
    ("bad_name", "error", "model.name", {"model": {"name": "gpt-5"}}),
    ("bad_name", "error", "secrets[0]", {"secrets": ["ERP-TOKEN"]}),
    ("sop_too_long", "error", "sop", {"sop": "x" * 100_001}),
    ("sop_empty", "error", "sop", {"sop": " \n"}),
    ("unknown_slot", "error", "tools[0].slot", {"tools": [slot("find", name="crm")]}),
    ("slot_unbound", "warning", "tools[0].slot", {"tools": [slot("find_order")]}),
    ("slot_empty", "warning", "tools[0].allow", {"tools": [slot()]}),
    ("unknown_tool", "error", "tools[0].allow[1].tool", {"tools": [slot("find_order", "find_ordr")]}),
    ("duplicate_slot", "error", "tools[1].slot", {"tools": [slot("find_order"), slot("post_bill")]}),
    ("duplicate_tool", "error", "tools[0].allow[1].tool", {"tools": [slot("find_order", "find_order")]}),
    ("tool_changed", "warning", "tools[0].allow[0].tool", {"tools": [slot("moved")]}),
    ("tool_removed", "warning", "tools[0].allow[0].tool", {"tools": [slot("left")]}),
    ("tool_not_accepted", "warning", "tools[0].allow[0].tool", {"tools": [slot("fresh")]}),
    (
        "effect_loosened",
        "error",
        "tools[0].allow[0].effect",
        {"tools": [slot({"tool": "post_bill", "effect": "write"})]},
    ),
    (
        "args_constraint_unknown_argument",
        "error",
        "tools[0].allow[0].args.totl",
        {"tools": [slot({"tool": "post_bill", "args": {"totl": {"maximum": 5}}})]},
    ),
    (
        "bad_schema",
        "error",
        "tools[0].allow[0].args.total.maximum",
        {"tools": [slot({"tool": "post_bill", "args": {"total": {"maximum": "5"}}})]},
    ),
    ("bad_schema", "error", "output_schema.type", {"output_schema": {"type": "objekt"}}),
    ("unknown_secret", "error", "secrets[0]", {"secrets": ["ERP_TOKN"]}),
    ("secret_unbound", "warning", "secrets[0]", {"secrets": ["ERP_TOKEN"]}),
    ("secret_unused", "info", "secrets[0]", {"secrets": ["ERP_TOKEN"]}),
    ("secret_not_listed", "error", "sop", {"sop": "Use {{secret.ERP_TOKEN}}."}),
    (
        "secret_not_listed",
        "error",
        "tools[0].allow[0].args.number",
        {"tools": [slot({"tool": "post_bill", "args": {"number": {"const": "{{secret.ERP_TOKEN}}"}}})]},
    ),
    ("secret_misspelt", "warning", "sop", {"sop": "Use {{ secret.ERP_TOKEN }}."}),
    ("sop_mentions_unknown_tool", "warning", "sop", {"sop": "Use @crm.find."}),
    ("sop_mentions_unknown_tool", "error", "sop", {"sop": "Use @erp.fnd.", "tools": [slot("find_order")]}),
    ("unknown_model", "error", "model.name", {"model": {"name": "openai:gpt-none"}}),
    ("unknown_model", "error", "model.fallbacks[0]", {"model": {"name": "a:bb", "fallbacks": ["openai:gpt-none"]}}),
    ("fallback_repeated", "warning", "model.fallbacks[0]", {"model": {"name": "a:bb", "fallbacks": ["a:bb"]}}),
    ("price_unknown", "warning", "model.name", {"model": {"name": "local:free"}}),
    ("no_output_schema", "info", "output_schema", {}),
    ("limit_zero", "warning", "limits.tool_calls", {"limits": {"tool_calls": 0}, "tools": [slot("find_order")]}),
    ("limit_zero", "warning", "limits.cost_usd", {"limits": {"cost_usd": "0"}}),
    ("not_json", "error", "", {"limits": {"turns": float("nan")}}),
]


@pytest.mark.parametrize(("code", "severity", "path", "changes"), CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_each_mistake_has_its_code_and_place(code: str, severity: str, path: str, changes: dict[str, Any]):
    wrong = {name: value for name, value in body(**changes).items() if value is not ...}
    finding = only(code, lint(wrong, facts=FACTS))
    assert (finding.severity, finding.path) == (severity, path)
    assert finding.text.endswith((".", "?"))


def test_all_findings_come_at_once_errors_first():
    wrong = {
        "sop": "Ask @erp.fly.\nLog in with {{secret.OTHER}}.",
        "model": {"name": "openai:gpt-none", "fallbacks": 5},
        "tools": [slot("find_ordr", {"tool": "find_order", "max_calls": "5"}), 7],
        "secrets": ["ERP_TOKEN"],
        "limits": {"turns": 0, "tuns": 1},
    }
    found = lint(wrong, facts=FACTS)
    assert {finding.code for finding in found if finding.severity == "error"} == {
        "sop_mentions_unknown_tool",
        "secret_not_listed",
        "unknown_model",
        "wrong_type",
        "unknown_tool",
        "out_of_range",
        "unknown_field",
    }
    assert [finding.severity for finding in found] == sorted(
        (finding.severity for finding in found), key=["error", "warning", "info"].index
    )
    assert only("sop_mentions_unknown_tool", found).line == 1
    assert only("secret_not_listed", found).line == 2
    assert "find_order" in only("unknown_tool", found).text


def test_an_address_is_no_mention():
    sop = "Write to billing@example.com, ann@erp.find_order or see https://x.example/@erp.fly."
    found = lint(body(sop=sop, tools=[slot("find_order")]), facts=FACTS)
    assert not [finding for finding in found if finding.code == "sop_mentions_unknown_tool"]


def test_what_is_not_known_is_not_checked():
    found = lint(body(tools=[slot("anything", name="crm")], secrets=["X"], sop="{{secret.X}} @crm.anything"))
    assert [finding.code for finding in found] == ["no_output_schema"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/schema.json"},
        {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"properties": {"a": {"$ref": "#/$defs/none"}}},
        {"$ref": "#"},
        {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"pattern": "(a+)+$"}}},
        {"properties": {"a": {"pattern": "x" * 301}}},
        {"description": "x" * 60_000},
        {"properties": {"a": {"$dynamicRef": "#x"}}},
        {"required": "a"},
    ],
)
def test_schemas_that_are_wrong_or_dangerous(schema: dict[str, Any]):
    assert "bad_schema" in {finding.code for finding in lint(body(output_schema=schema), facts=FACTS)}


def test_deep_schemas():
    deep: dict[str, Any] = {}
    for _ in range(31):
        deep = {"not": deep}
    assert only("bad_schema", lint(body(output_schema=deep))).path == "output_schema"
    for _ in range(100):
        deep = {"not": deep}
    assert [finding.code for finding in lint(body(output_schema=deep))] == ["not_json"]


def test_schemas_that_are_fine():
    tree = {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "a/b": {}}}},
        "$ref": "#/$defs/node",
        "properties": {"mail": {"type": "string", "pattern": r"^[\w.+-]+@[\w-]+(\.[\w-]+)*$"}},
    }
    assert lint(body(output_schema=tree)) == []


def test_a_body_of_nothing_but_mistakes_is_bounded():
    wrong = body(**{f"field_{number}": 1 for number in range(5_000)})
    found = lint(wrong)
    assert len(found) == FINDINGS_MAX + 1
    assert found[-1].code == "more_findings"


def test_a_hostile_body_is_answered_with_bounded_work():
    names = [f"tool_{number}" for number in range(500)]
    facts = LintFacts(slots={"erp": {name: ToolFacts("read", {}, "accepted") for name in names}})
    wrong = body(
        sop=" ".join(f"@erp.tol_{number}" for number in range(8_000)),
        tools=[{"slot": "erp", "allow": [{"tool": f"tol_{number}"} for number in range(2_000)]}],
    )
    found = lint(wrong, facts=facts)
    assert len(found) == FINDINGS_MAX + 1
    assert found[0].severity == "error"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from([*Body.model_fields, "slot", "allow", "tool", "args", "effect", "$ref", "pattern", "name"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(FIELDS, st.dictionaries(FIELDS, JSON, max_size=4) | JSON | st.lists(JSON, max_size=3)))
def test_no_body_is_too_wrong_to_lint(wrong: dict[str, Any]):
    found = lint(wrong, facts=FACTS)
    has_errors = any(finding.severity == "error" for finding in found)
    assert len(found) <= FINDINGS_MAX + 1
    assert has_errors or Body.model_validate(wrong)
