"""The risk tier: each dimension moves alone, one level at a time, and the highest wins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from signoff.agents.body import Body
from signoff.agents.lint.facts import ToolFacts
from signoff.agents.tier import DIMENSIONS, LEVELS, Level, tier_of
from signoff.connections.labels import ToolLabels

PUBLIC = ToolLabels(result="trusted", confidentiality="public", sinks=(), payload=("text", "amount"))
READ = ToolFacts("read", {"properties": {"query": {"type": "string"}}}, "accepted", PUBLIC)
WRITE = ToolFacts("write", {"properties": {"text": {"type": "string"}}}, "accepted", PUBLIC)
SEND = replace(WRITE, effect="send")
PAY = replace(WRITE, effect="irreversible")
EVERY = {"name": "everything", "effects": ["write", "send", "irreversible"]}
STRICT = {"flow": "strict"}


def levels(facts: dict[str, ToolFacts], *, allow: dict[str, Any] | None = None, **changes: Any) -> dict[str, Level]:
    """Levels by dimension of an agent with these tools, each effect of which is asked about unless said otherwise."""
    entries = [{"tool": name, **(allow or {}).get(name, {})} for name in facts]
    content = {"model": {"name": "openai:gpt-5"}, "gates": [EVERY], "rules": STRICT, **changes}
    body = Body.model_validate({**content, "tools": [{"slot": "desk", "allow": entries}] if facts else []})
    tier = tier_of(body, {("desk", name): one for name, one in facts.items()})
    assert tuple(one.name for one in tier.dimensions) == DIMENSIONS
    assert all(one.reason.endswith(".") for one in tier.dimensions)
    assert tier.level == max((one.level for one in tier.dimensions), key=LEVELS.index)
    return {one.name: one.level for one in tier.dimensions}


def moved(found: list[dict[str, Level]], dimension: str) -> list[Level]:
    """The levels of one dimension, after making sure that no other moved."""
    others = [{name: level for name, level in one.items() if name != dimension} for one in found]
    assert all(one == others[0] for one in others), others
    return [one[dimension] for one in found]


def test_an_agent_without_tools_is_low_in_everything() -> None:
    assert set(levels({}).values()) == {"low"}
    assert set(levels({"look": READ}).values()) == {"low"}


def test_effects_rise_with_what_cannot_be_taken_back() -> None:
    steps = [levels({"look": READ}), levels({"look": READ, "note": WRITE})]
    assert moved(steps, "effects") == ["low", "medium"]
    # From here on something is noticed outside, so reach is no longer low.
    steps = [levels({"post": SEND}), levels({"post": SEND, "pay": PAY})]
    assert moved(steps, "effects") == ["high", "critical"]


def test_reach_rises_with_who_can_be_addressed_and_how_often() -> None:
    anybody = replace(SEND, labels=replace(PUBLIC, sinks=("to",)))
    listed = {"to": {"kind": "domain", "allow": ["acme.example"]}}
    steps = [
        levels({"post": anybody}, allow={"post": {"values": listed}}),
        levels({"post": anybody}, allow={"post": {"max_calls": 3}}),
        levels({"post": anybody}),
    ]
    assert moved(steps, "reach") == ["medium", "high", "critical"]
    assert levels({"note": WRITE})["reach"] == "low"


@pytest.mark.parametrize(
    ("allow", "rules", "level"),
    [
        ({"args": {"to": {"const": "ann@acme.example"}}}, {}, "medium"),
        ({"args": {"to": {"enum": ["a", "b"]}}}, {}, "medium"),
        ({"args": {"to": {"pattern": ".*"}}}, {}, "critical"),
        ({"values": {"to": {"deny": ["evil.example"]}}}, {}, "critical"),
        ({}, {"caps": [{"most": 20, "per": "day"}]}, "high"),
        ({}, {"caps": [{"most": 20, "per": "day", "effects": ["irreversible"]}]}, "critical"),
        ({}, {"caps": [{"most": 20, "per": "day", "until": "2026-12-01"}]}, "critical"),
    ],
)
def test_what_bounds_the_reach(allow: dict[str, Any], rules: dict[str, Any], level: Level) -> None:
    anybody = replace(SEND, labels=replace(PUBLIC, sinks=("to",)))
    assert levels({"post": anybody}, allow={"post": allow}, rules={**STRICT, **rules})["reach"] == level


def test_where_nobody_said_which_argument_is_the_target_each_of_them_is() -> None:
    unsaid = ToolFacts(
        "send", {"properties": {"to": {}, "copy": {}, "text": {}}}, "accepted", replace(PUBLIC, sinks=None)
    )
    one = {"args": {"to": {"const": "a"}}}
    both = {"args": {"to": {"const": "a"}, "copy": {"const": "b"}}}
    assert levels({"post": unsaid}, allow={"post": one})["reach"] == "critical"
    assert levels({"post": unsaid}, allow={"post": both})["reach"] == "medium"
    assert levels({"post": replace(unsaid, schema={})})["reach"] == "critical"


def test_money_rises_with_what_one_act_can_move() -> None:
    pay = replace(PAY, schema={"properties": {"amount": {"type": "number"}}})
    steps = [
        levels({"pay": pay}, allow={"pay": {"args": {"amount": {"maximum": most}}}})
        for most in (499, 500, 4_999, 5_000, 49_999, 50_000)
    ]
    assert moved(steps, "money") == ["low", "medium", "medium", "high", "high", "critical"]


def test_an_amount_without_a_bound_is_high_when_a_person_is_asked_and_critical_when_not() -> None:
    pay = replace(WRITE, schema={"properties": {"order": {"properties": {"refundAmount": {"type": "number"}}}}})
    assert levels({"pay": pay})["money"] == "high"
    assert levels({"pay": pay}, gates=[])["money"] == "critical"
    assert levels({"pay": replace(pay, effect="read")}, gates=[])["money"] == "low"


def test_a_gate_that_asks_above_an_amount_bounds_what_moves_without_a_person() -> None:
    pay = replace(WRITE, schema={"properties": {"amount": {"type": "number", "maximum": 100_000}}})
    small = {"name": "large", "tools": ["desk.pay"], "unless": {"amount": {"maximum": 400}}}
    other = {"name": "large", "tools": ["desk.pay"], "unless": {"text": {"const": "ok"}}}
    assert levels({"pay": pay}, gates=[small])["money"] == "low"
    assert levels({"pay": pay}, gates=[other])["money"] == "critical"
    assert levels({"pay": pay}, gates=[small, EVERY])["money"] == "critical"


@pytest.mark.parametrize(("name", "level"), [("amount_cents", "low"), ("priceEUR", "high"), ("checksum", "low")])
def test_amounts_are_known_by_their_names(name: str, level: Level) -> None:
    pay = replace(WRITE, schema={"properties": {name: {"type": "number", "maximum": 40_000}}})
    assert levels({"pay": pay})["money"] == level


MONEY = {"properties": {"value": {"type": "number"}, "currency": {"type": "string"}}}
BILL = {"properties": {"order_id": {"type": "integer"}, "amount": {"type": "number", "maximum": 6_000}}}


@pytest.mark.parametrize(
    ("schema", "level"),
    [
        ({"properties": {"lines": {"type": "array", "items": BILL}}}, "high"),
        ({"properties": {"bill": {"$ref": "#/$defs/Bill"}}, "$defs": {"Bill": BILL}}, "high"),
        ({"properties": {"bill": {"anyOf": [BILL, {"type": "null"}]}}}, "high"),
        ({"properties": {"refund": BILL}}, "high"),
        ({"properties": {"amount": MONEY}}, "critical"),
        ({"properties": {"lines": {"items": {"properties": {"count": {"type": "integer"}}}}}}, "low"),
        ({"properties": {"self": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}, "low"),
        ({"properties": {f"a{n}": {"properties": {f"b{m}": {} for m in range(50)}} for n in range(50)}}, "critical"),
    ],
)
def test_amounts_are_found_in_lists_references_and_alternatives(schema: dict[str, Any], level: Level) -> None:
    assert levels({"pay": replace(WRITE, schema=schema)}, gates=[])["money"] == level


@pytest.mark.parametrize(("spend", "level"), [("9.99", "low"), ("10", "medium"), ("100", "high"), ("1000", "critical")])
def test_money_rises_with_what_one_run_may_spend_on_models(spend: str, level: Level) -> None:
    plain = levels({"note": WRITE})
    assert moved([plain, levels({"note": WRITE}, limits={"cost_usd": spend})], "money") == ["low", level]


def test_data_rises_with_how_private_it_is_and_whether_it_can_leave() -> None:
    def look(confidentiality: Any) -> ToolFacts:
        return replace(READ, labels=replace(PUBLIC, confidentiality=confidentiality))

    steps = [
        levels({"look": look("public"), "post": SEND}),
        levels({"look": look("workspace"), "post": SEND}),
        levels({"look": look("restricted"), "post": SEND}),
        levels({"look": look("restricted"), "post": SEND}, rules={"flow": "recommended"}),
    ]
    assert moved(steps, "data") == ["low", "medium", "high", "critical"]
    # A revision may tighten what a tool gives.
    tightened = levels({"look": READ}, allow={"look": {"labels": {"confidentiality": "restricted"}}})
    assert moved([levels({"look": READ}), tightened], "data") == ["low", "high"]


def test_private_data_strange_content_and_a_way_out_are_critical_without_flow_rules() -> None:
    mail = replace(READ, labels=ToolLabels(sinks=()))
    steps = [levels({"mail": mail, "post": SEND}, rules={"flow": flow}) for flow in ("recommended", "off")]
    assert moved(steps, "data") == ["medium", "critical"]
    assert levels({"mail": mail, "note": WRITE}, rules={"flow": "off"})["data"] == "medium"


def test_what_is_kept_or_used_counts_as_data() -> None:
    workspace = replace(READ, labels=replace(PUBLIC, confidentiality="workspace"))
    assert levels({"look": READ}, memory={"scope": "person"})["data"] == "medium"
    assert levels({"look": READ}, secrets=["ERP"])["data"] == "medium"
    assert levels({"look": workspace}, memory={"scope": "person"})["data"] == "medium"
    assert levels({"look": workspace}, memory={"scope": "shared"})["data"] == "high"


def test_autonomy_rises_with_what_nobody_is_asked_about() -> None:
    tools = {"note": WRITE, "post": SEND, "pay": PAY}
    partly = {**EVERY, "unless": {"amount": {"maximum": 10}}}
    steps = [
        levels(tools),
        levels(tools, gates=[partly]),
        levels(tools, gates=[{"name": "outward", "effects": ["send", "irreversible"]}]),
        levels(tools, gates=[{"name": "final", "effects": ["irreversible"]}]),
        levels(tools, gates=[{"name": "sent", "effects": ["send"]}]),
    ]
    assert moved(steps, "autonomy") == ["low", "medium", "medium", "high", "critical"]
    # A gate whose exception lets everything by asks nobody.
    assert levels(tools, gates=[{**EVERY, "unless": {"amount": {"type": "number"}}}])["autonomy"] == "critical"


def test_a_tool_that_nobody_knows_counts_as_the_gravest() -> None:
    body = Body.model_validate(
        {"model": {"name": "openai:gpt-5"}, "tools": [{"slot": "erp", "allow": [{"tool": "post"}]}]}
    )
    tier = tier_of(body, {})
    assert {one.name: one.level for one in tier.dimensions} == {
        "effects": "critical", "reach": "critical", "money": "low", "data": "medium", "autonomy": "critical"
    }  # fmt: skip
    assert tier.dimensions[0].reason == "Nobody has said what a call does: erp.post."


def test_a_revision_may_make_a_tool_graver_and_not_lighter() -> None:
    assert levels({"note": WRITE}, allow={"note": {"effect": "irreversible"}})["effects"] == "critical"
    assert levels({"pay": PAY}, allow={"pay": {"effect": "read"}})["effects"] == "critical"


@pytest.mark.parametrize(
    ("declared", "level"), [(None, "medium"), ("low", "medium"), ("medium", "medium"), ("critical", "critical")]
)
def test_a_declared_tier_may_raise_and_never_lower(declared: Level | None, level: Level) -> None:
    body = Body.model_validate(
        {"model": {"name": "openai:gpt-5"}, "tools": [{"slot": "desk", "allow": [{"tool": "note"}]}], "gates": [EVERY]}
    )
    tier = tier_of(body, {("desk", "note"): WRITE}, declared)
    assert (tier.level, tier.computed, tier.declared) == (level, "medium", declared)
    assert tier.reasons == (
        ("It was declared critical; what the revision can do is medium.",)
        if declared == "critical"
        else ("It writes what can be put right with effort: desk.note.",)
    )


def test_an_agent_is_at_least_as_risky_as_those_it_calls():
    quiet = Body.model_validate({"model": {"name": "openai:gpt-5"}, "rules": STRICT})
    paying = Body.model_validate({**quiet.plain(), "tools": [{"slot": "desk", "allow": [{"tool": "pay"}]}]})
    child = tier_of(paying, {("desk", "pay"): PAY})
    alone, calling = tier_of(quiet, {}), tier_of(quiet, {}, sub_agents=[("payments", child)])
    assert (alone.level, child.level, calling.level) == ("low", "critical", "critical")
    assert any(reason.startswith("Its sub-agent payments: ") for reason in calling.reasons)
