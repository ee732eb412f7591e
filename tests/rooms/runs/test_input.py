"""What a run is given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from signoff.kit.errors import Malformed
from signoff.runs.input import Prepared, findings, prepare, size_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"message_id": {"type": "string"}, "lines": {"type": "array", "items": {"type": "number"}}},
    "required": ["message_id"],
}


def prepared(value: Any, **more: Any) -> Prepared:
    return prepare(value, **{"schema": None, "chars_max": 10_000, "title": None, "fallback": "Clerk", **more})


def test_the_reasons_of_a_bad_input_carry_their_paths():
    with pytest.raises(Malformed) as refused:
        prepared({"lines": [1, "two"]}, schema=SCHEMA)
    assert set(refused.value.errors) == {"input", "input/lines/1"}


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, {1: 2}, {"a": object()}])
def test_what_is_not_json_is_refused(value: Any):
    with pytest.raises(Malformed):
        prepared(value)


def test_a_schema_is_never_fetched():
    assert "" in findings({}, {"$ref": "http://127.0.0.1:9/schema.json"})


def test_a_long_text_is_cut_with_a_mark():
    cut = prepared("word " * 20_000)
    assert cut.is_truncated
    assert size_of(cut.value) <= 10_000
    assert "of 100,000 characters are not shown" in cut.value


def test_the_longest_text_is_cut_and_the_rest_stays():
    message = {"message_id": "<1@x>", "subject": "Invoice", "body": "x" * 90_000, "notes": ["y" * 900]}
    cut = prepared(message, schema=SCHEMA)
    assert cut.is_truncated
    assert size_of(cut.value) <= 10_000
    assert (cut.value["message_id"], cut.value["subject"], cut.value["notes"]) == ("<1@x>", "Invoice", ["y" * 900])
    assert "Cut here by Signoff" in cut.value["body"]


def test_what_has_no_long_texts_is_cut_as_a_text():
    cut = prepared({f"key {number}": number for number in range(5_000)})
    assert cut.is_truncated
    assert isinstance(cut.value, str)
    assert len(cut.value) <= 10_000


@given(
    strategies.recursive(
        strategies.none() | strategies.integers(-9, 9) | strategies.text(max_size=400),
        lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
    )
)
@settings(max_examples=50, deadline=None)
def test_any_input_fits_and_can_be_stored(value: Any):
    cut = prepared(value, chars_max=300)
    assert size_of(cut.value) <= 300 or not cut.is_truncated
    json.dumps(cut.value).encode()
    cut.title.encode()


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ({"Subject": "  An   invoice\nfor you"}, "An invoice"),
        ({"n": 1, "text": "First line\nSecond"}, "First line"),
        ("\n\n  Do this.  \nAnd that.", "Do this."),
        ({"n": 1}, "Clerk"),
        ("x" * 500, "x" * 119 + "…"),
    ],
)
def test_the_title_comes_from_the_input(value: Any, title: str):
    assert prepared(value).title == title


def test_a_given_title_wins():
    assert prepared({"subject": "A"}, title="B").title == "B"
