"""Values by a path with dots."""

from __future__ import annotations

from signoff.kit.dotted import MISSING, parsed, value_at, values_at


def test_one_value_is_found_at_its_path() -> None:
    root = {"orders": [{"id": 7, "none": None}]}
    assert value_at(root, "orders.0.id") == 7
    assert value_at(root, "orders.0.none") is None
    assert value_at(root, "") == root
    for path in ("orders.1.id", "orders.id", "orders.-1", "orders.0.id.x", "x"):
        assert value_at(root, path) is MISSING


def test_every_value_is_found_where_a_path_meets_lists() -> None:
    assert list(values_at({"to": ["a", ["b"]]}, "to")) == ["a", "b"]
    assert list(values_at({"to": [{"at": "a"}, {}]}, "to.at")) == ["a", MISSING]
    assert list(values_at({"a": {"b": 1}, "a.b": 2}, "a.b")) == [1, 2]
    assert list(values_at({"a": 3}, "a.b")) == [MISSING]


def test_a_text_of_json_is_read_unless_it_is_ambiguous() -> None:
    assert parsed('{"a": 1}') == {"a": 1}
    assert [parsed(text) for text in ('{"a": 1, "a": 2}', "{", "5", "words")] == [
        '{"a": 1, "a": 2}', "{", "5", "words",
    ]  # fmt: skip
