"""Checking values against schemas from outside."""

from __future__ import annotations

import pytest

from signoff.kit.json_schemas import PROBLEMS_MAX, problems


def test_every_problem_with_its_place() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"items": {"maxLength": 2}}},
        "required": ["c"],
    }
    found = problems({"a": "x", "b": ["ok", "long"]}, schema)
    assert found == [
        "the whole: 'c' is a required property",
        "a: 'x' is not of type 'integer'",
        "b.1: 'long' is too long",
    ]
    assert problems({"c": 1}, schema) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:1/x.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"type": 7},
        {"pattern": "("},
        {"properties": {"a": {"minimum": "x"}}},
    ],
)
def test_a_schema_that_cannot_be_checked_lets_nothing_pass(schema: dict[str, object]) -> None:
    assert problems("text" if "pattern" in schema else {"a": 1}, schema)


def test_there_is_an_end_to_it() -> None:
    assert len(problems(["x"] * 1_000, {"items": {"type": "integer"}})) == PROBLEMS_MAX
