"""What differs between an answer and its shadow is named, in few words and in bounds."""

from __future__ import annotations

import json
from typing import Any

from signoff.kit.intervals import share_of
from signoff.releases.shadow.comparing import CALLS_MAX, FIELDS_MAX, LINES_MAX, Outcome, compare, text_diff


def done(output: Any = None, *calls: tuple[str, Any], **more: Any) -> Outcome:
    return Outcome(more.pop("status", "completed"), output, calls, **more)


def test_the_same_is_equal_in_whatever_order_calls_and_fields_come():
    one = done({"a": 1, "b": [1, 2.0]}, ("x", {"n": 1, "m": 2}), ("y", {}))
    other = done({"b": [1, 2], "a": 1.0}, ("y", {}), ("x", {"m": 2, "n": 1.0}))
    assert compare(one, other) == compare(one, one)
    assert compare(one, other).is_equal
    assert compare(one, other).differences == {}


def test_a_word_is_no_number_and_nothing_is_not_false():
    found = compare(done({"a": 1, "b": None, "c": True}), done({"a": "1", "b": False, "c": 1}))
    assert found.differences["named"] == ["output a", "output b", "output c"]


def test_fields_that_came_went_and_changed_are_named_by_their_paths():
    found = compare(
        done({"total": 1, "lines": [{"n": 1}, {"n": 2}]}), done({"total": 1, "lines": [{"n": 1}], "note": "x"})
    )
    assert found.differences["output"]["fields"] == [
        {"path": "lines[1].n", "was": "2", "would_be": None},
        {"path": "note", "was": None, "would_be": "x"},
    ]


def test_calls_are_counted():
    found = compare(done("", ("pay", {"n": 1})), done("", ("pay", {"n": 1}), ("pay", {"n": 1}), ("look", {})))
    assert found.differences["calls"] == {
        "only_original": [],
        "only_shadow": [{"tool": "look", "args": "{}", "times": 1}, {"tool": "pay", "args": '{"n":1}', "times": 1}],
        "left_out": 0,
    }


def test_of_another_status_the_output_is_not_compared():
    found = compare(done({"a": 1}), done(None, status="failed", code="turns_exceeded", reason="It had its turns."))
    assert found.differences == {
        "status": {"was": "completed", "would_be": "failed", "code": "turns_exceeded", "reason": "It had its turns."},
        "named": ["status: completed, would be failed"],
    }


def test_whatever_the_outputs_are_the_differences_stay_small():
    was = {f"field {number}": "a\n" * 50_000 for number in range(1_000)}
    would_be = {f"field {number}": "b\n" * 50_000 for number in range(1_000)}
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    found = compare(
        done(was, *((f"t{n}", {"x": "y" * 10_000}) for n in range(500))),
        done({**would_be, "deep": deep}, *((f"u{n}", {}) for n in range(500))),
    )
    output, calls = found.differences["output"], found.differences["calls"]
    assert (len(output["fields"]), output["left_out"]) == (FIELDS_MAX, 1_001 - FIELDS_MAX)
    assert len(calls["only_original"]) == len(calls["only_shadow"]) == CALLS_MAX
    assert calls["left_out"] == 2 * (500 - CALLS_MAX)
    assert len(json.dumps(found.differences)) < 200_000


def test_a_text_is_told_line_by_line():
    assert text_diff("a\nb\nc", "a\nB\nc") == ["@@ -1,3 +1,3 @@", " a", "-b", "+B", " c"]
    assert len(text_diff("a\n" * 10_000, "b\n" * 10_000)) == LINES_MAX


def test_an_interval_holds_for_few_and_for_none():
    assert share_of(0, 0).rate is None
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0.0, 1.0)
    few = share_of(9, 10)
    assert (round(few.low, 3), round(few.high, 3)) == (0.596, 0.982)
    assert share_of(10, 10).high == 1.0
    assert share_of(0, 10).low == 0.0
