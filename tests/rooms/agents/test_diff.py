"""What changed: the SOP by word, the rest by field, whatever the order, in bounded time."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.agents.body import Body
from signoff.agents.diff import as_json, as_text, diff
from signoff.agents.sequences import Budget, compare
from signoff.agents.sop_diff import sop_lines
from signoff.kit.canonical import canonical_json
from tests.rooms.agents.kit_agents import SOP, body


def erp(*tools: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"slot": "erp", "allow": list(tools)}]


def test_the_prompt_a_tool_and_the_model_and_nothing_else():
    old = body(tools=erp({"tool": "find_order"}))
    new = body(
        sop=SOP.replace("each bill", "every bill"),
        model={"name": "anthropic:claude-x"},
        tools=erp({"tool": "post_bill", "max_calls": 1}, {"tool": "find_order"}),
    )
    found = diff(old, new)
    assert found.paths == ("sop", "model.name", "tools.erp.post_bill")
    model, tool = found.fields
    assert (model.kind, model.old, model.new) == ("changed", "openai:gpt-5", "anthropic:claude-x")
    assert (tool.kind, tool.old, tool.new) == ("added", None, {"max_calls": 1})
    removed, added = (line for line in found.sop_lines if line.kind in ("removed", "added"))
    assert [(piece.text, piece.is_changed) for piece in removed.pieces] == [
        ("File ", False),
        ("each", True),
        (" bill.", False),
    ]
    assert added.text == "File every bill."


def test_fields_have_paths_people_can_read():
    old = body(
        tools=erp({"tool": "post_bill", "max_calls": 1, "args": {"total": {"maximum": 5}}}),
        secrets=["A", "B"],
        output_schema={"properties": {"a.b": {"type": "string"}}},
    )
    new = body(
        tools=[
            *erp({"tool": "post_bill", "max_calls": 2, "args": {"total": {"maximum": 6}}}),
            {"slot": "x", "allow": []},
        ],
        secrets=["B", "C"],
        output_schema={"properties": {"a.b": {"type": "number"}}},
        limits={"cost_usd": "2"},
    )
    assert diff(old, new).paths == (
        'output_schema.properties."a.b".type',
        "tools.erp.post_bill.args.total.maximum",
        "tools.erp.post_bill.max_calls",
        "tools.x",
        "secrets.A",
        "secrets.C",
        "limits.cost_usd",
    )


def test_another_order_is_said_once():
    one, two = {"tool": "one"}, {"tool": "two"}
    (change,) = diff(body(tools=erp(one, two)), body(tools=erp(two, one))).fields
    assert (change.path, change.old, change.new) == ("tools.erp (order)", ["one", "two"], ["two", "one"])


def test_a_default_said_aloud_is_no_difference():
    assert diff(body(), Body.model_validate(body(limits={"turns": 40}))).is_empty


def test_drafts_that_are_no_bodies_can_be_compared():
    found = diff({"sop": 5, "tools": "x"}, {"sop": "Text", "tools": [{"slot": 1}], "limits": None})
    assert found.paths == ("sop", "sop", "tools") or set(found.paths) == {"sop", "tools"}
    assert diff(None, {}).is_empty


def test_text_and_json_for_others():
    found = diff(body(), body(sop=f"{SOP}\n3. Stop.", limits={"turns": 9}))
    assert "+ 3. Stop." in as_text(found)
    assert "- limits.turns: 40\n+ limits.turns: 9" in as_text(found)
    assert canonical_json(as_json(found))


def test_far_apart_lines_are_not_marked_word_by_word():
    removed, added = sop_lines("Read the mail.", "Pflaumenkuchen schmeckt.")
    assert [piece.is_changed for piece in (*removed.pieces, *added.pieces)] == [True, True]


def test_equal_lines_far_from_a_change_are_skipped():
    old = "\n".join(str(number) for number in range(100))
    lines = sop_lines(old, old.replace("50", "fifty"))
    assert [line.kind for line in lines].count("same") == 6
    assert [(line.count, line.old) for line in lines if line.kind == "skipped"] == [(47, 1), (46, 55)]


LINES = st.lists(st.sampled_from(["a", "b", "c d e", "c d f", "", " "]), max_size=30)


@settings(max_examples=300, deadline=None)
@given(LINES, LINES)
def test_both_texts_can_be_read_back_from_the_lines(old: list[str], new: list[str]):
    before, after = "\n".join(old), "\n".join(new)
    lines = sop_lines(before, after, context=None)
    if before != after:
        assert "\n".join(line.text for line in lines if line.kind != "added") == before
        assert "\n".join(line.text for line in lines if line.kind != "removed") == after


@settings(max_examples=300, deadline=None)
@given(st.text("abc", max_size=40), st.text("abcd", max_size=40), st.integers(0, 200))
def test_operations_cover_both_sides_however_small_the_budget(old: str, new: str, steps: int):
    ops = compare(old, new, Budget(steps))
    assert "".join(old[op.old_from : op.old_to] for op in ops) == old
    assert "".join(new[op.new_from : op.new_to] for op in ops) == new
    assert all(old[op.old_from : op.old_to] == new[op.new_from : op.new_to] for op in ops if op.is_same)
    assert all(one.is_same != other.is_same for one, other in itertools.pairwise(ops))


def test_the_work_on_hostile_texts_is_bounded():
    # Counted in steps, not in time: the texts have 100,000 characters and nothing helpful in common.
    hostile = [
        ("a\nb\n" * 25_000, "b\na\n" * 25_000),
        ("\n" * 100_000, "x\n" * 50_000),
        ("ab " * 33_000, "ba " * 33_000),
        ("abcabba" * 14_000, "cbabac" * 16_000),
    ]
    for old, new in hostile:
        budget = Budget()
        for one, other in ((old.split("\n"), new.split("\n")), (old.split(" "), new.split(" ")), (old, new)):
            compare(one, other, budget)
        # Each of the three may pass its limit by what it looked at last.
        assert budget.steps > -1_000_000


NAMES = st.sampled_from(["one", "two", "three", "a.b"])
TOOLS = st.lists(
    st.fixed_dictionaries({"tool": NAMES}, optional={"max_calls": st.integers(1, 3)}),
    max_size=3,
    unique_by=lambda tool: tool["tool"],
)
SCHEMAS = st.none() | st.dictionaries(
    st.sampled_from(["default", "title", "properties"]),
    st.none() | st.integers(0, 2) | st.dictionaries(NAMES, st.none() | st.integers(0, 1), max_size=2),
    max_size=3,
)
BODIES = st.builds(
    lambda sop, turns, tools, slots, secrets, schema: body(
        sop=sop,
        limits={"turns": turns},
        tools=[{"slot": name, "allow": tools} for name in slots],
        secrets=secrets,
        output_schema=schema,
    ),
    st.sampled_from(["a", "b\nc"]),
    st.integers(1, 3),
    TOOLS,
    st.lists(st.sampled_from(["erp", "crm"]), max_size=2, unique=True),
    st.lists(st.sampled_from(["A", "B"]), max_size=2, unique=True),
    SCHEMAS,
)


@settings(max_examples=400, deadline=None)
@given(BODIES, BODIES)
def test_a_diff_is_empty_exactly_when_nothing_changed(old: dict[str, Any], new: dict[str, Any]):
    one, two = Body.model_validate(old), Body.model_validate(new)
    found = diff(one, two)
    assert found.is_empty == (one.hash == two.hash)
    assert len(set(found.paths)) == len(found.paths)
    there, back = set(found.paths), set(diff(two, one).paths)
    assert there == back
