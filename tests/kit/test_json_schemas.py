"""Checking values against schemas from outside."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.kit.json_schemas import PROBLEMS_MAX, problems, strict_problems


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


@pytest.mark.parametrize(
    ("schema", "fits", "others"),
    [
        ({"maximum": 500}, [500, 12.5], ["9999", True, [9999], {"v": 9999}, None, 501]),
        ({"pattern": "@example\\.com$"}, ["a@example.com"], [5, ["a@example.com"], "a@evil.example"]),
        ({"maxItems": 2}, [[1, 2]], ["x", {"a": 1}, [1, 2, 3]]),
        ({"properties": {"amount": {"maximum": 5}}}, [{"amount": 5}], [{"amount": "6"}, "x"]),
        ({"anyOf": [{"maximum": 5}, {"pattern": "^a$"}]}, [5, "a"], ["6", 6, True]),
        ({"enum": [1, "a"]}, [1, "a"], [2]),
    ],
)
def test_a_bound_that_must_hold_holds_for_its_kind_of_value_alone(
    schema: dict[str, Any], fits: list[Any], others: list[Any]
) -> None:
    assert [value for value in fits if strict_problems(value, schema)] == []
    assert [value for value in others if not strict_problems(value, schema)] == []
