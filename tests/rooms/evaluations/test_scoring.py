"""What each kind of evaluator says, and their mean."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from signoff.evaluations.scoring import EVALUATOR_KINDS, Call, Evaluator, Mark, Observed, check_weight, score
from signoff.kit.errors import Malformed

JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
# One of each kind, as somebody would write it.
EACH: dict[str, dict[str, Any]] = {
    "equals": {},
    "field": {"path": "total", "within": 0.5},
    "contains": {"texts": ["paid"]},
    "matches": {"pattern": r"^INV-\d+$"},
    "schema": {"schema": {"type": "object", "required": ["total"]}},
    "calls": {"calls": [{"tool": "find_vendor"}], "never": ["pay"]},
    "cost": {"cost_usd_max": "0.02"},
    "duration": {"seconds_max": 10},
    "judge": {"agent": "judge", "revision": 1},
}


def one(kind: str, settings: dict[str, Any] | None = None, weight: str = "1", name: str = "") -> Evaluator:
    return Evaluator(f"evr_{name or kind}", name or kind, kind, settings or {}, Decimal(weight))  # pyright: ignore[reportArgumentType]


def said(kind: str, settings: dict[str, Any], observed: Observed, expected: Any = None) -> tuple[float | None, str]:
    part = score([one(kind, settings)], observed, expected).parts[0]
    return part.score, part.reason


def output(value: Any, **more: Any) -> Observed:
    return Observed("completed", value, **more)


def test_equals_takes_the_whole_output() -> None:
    assert said("equals", {}, output({"b": 1.0, "a": "x"}), {"a": "x", "b": 1}) == (
        1.0,
        "The output is the expected one.",
    )
    assert said("equals", {}, output("  Paid. \n"), "Paid.")[0] == 1.0
    assert said("equals", {}, output('{"a": 1}'), {"a": 1})[0] == 1.0
    assert said("equals", {}, output(True), 1)[0] == 0.0
    assert said("equals", {}, output("paid"), "Paid") == (0.0, 'Expected "Paid", got "paid".')
    assert said("equals", {"ignores_case": True}, output("paid"), "Paid")[0] == 1.0


def test_field_takes_one_value_or_a_number_near_it() -> None:
    found = output({"orders": [{"total": 99.8}], "currency": "EUR"})
    assert said("field", {"path": "orders.0.total", "within": 0.5}, found, {"orders": [{"total": 100}]}) == (
        1.0, "`orders.0.total` is 99.8; expected 100, give or take 0.5.",
    )  # fmt: skip
    assert said("field", {"path": "orders.0.total", "within": 0.1}, found, {"orders": [{"total": 100}]})[0] == 0.0
    assert said("field", {"path": "currency", "value": "EUR"}, found) == (1.0, '`currency` is "EUR".')
    assert said("field", {"path": "vat", "value": None}, found) == (0.0, "Nothing is at `vat`; expected null.")
    assert said("field", {"path": "vat"}, found, {"currency": "EUR"}) == (
        None, "The example expects nothing at `vat`.",
    )  # fmt: skip


def test_contains_gives_the_share_of_texts_that_are_there() -> None:
    found = output({"mail": "Your invoice was PAID on Monday."})
    assert said("contains", {"texts": ["paid", "tuesday"], "path": "mail"}, found) == (
        0.5,
        '"tuesday" is not in `mail`.',
    )
    assert said("contains", {"texts": ["paid"], "ignores_case": False}, found)[0] == 0.0
    assert said("contains", {}, found, ["invoice", "monday"]) == (1.0, "All is there.")
    assert said("contains", {}, found, {"no": "text"})[0] is None


def test_matches_finds_a_pattern_in_time_that_grows_with_the_text() -> None:
    assert said("matches", {"pattern": r"^INV-\d+$"}, output("INV-77"))[0] == 1.0
    assert said("matches", {"pattern": r"^INV-\d+$", "path": "id"}, output({"id": "77"})) == (
        0.0, r'"^INV-\\d+$" is not found in `id`: "77".',
    )  # fmt: skip
    # Each of these takes an engine that goes back longer than the world will last.
    for pattern in (r"^(a+)+$", r"^(a|aa)*$", r"^(.*x){20}$"):
        assert said("matches", {"pattern": pattern}, output("a" * 100_000 + "!"))[0] == 0.0


def test_schema_says_what_does_not_fit() -> None:
    wanted = {"schema": {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}}
    assert said("schema", wanted, output({"total": 3})) == (1.0, "It fits the schema.")
    assert said("schema", wanted, output('{"total": 3}'))[0] == 1.0
    assert said("schema", wanted, output({"total": "3"})) == (
        0.0, "It does not fit the schema: total: '3' is not of type 'number'.",
    )  # fmt: skip


def test_calls_are_counted_in_any_order_and_a_forbidden_one_is_worth_nothing() -> None:
    made = output("", calls=[Call("find_vendor", {"name": "Acme", "limit": 5}), Call("book", {"amount": 10.0})])
    both = [{"tool": "book", "args": {"amount": 10}}, {"tool": "find_vendor"}]
    assert said("calls", {"calls": both}, made) == (1.0, "The calls are as wanted.")
    assert said("calls", {"calls": [{"tool": "book", "args": {"amount": 11}}, {"tool": "find_vendor"}]}, made) == (
        0.5, '1 of 2 wanted calls are missing, such as "book" with {"amount":11}.',
    )  # fmt: skip
    assert said("calls", {"calls": [{"tool": "book"}], "is_all": True}, made)[0] == 0.5
    assert said("calls", {"never": ["book"]}, made) == (0.0, 'It called "book", which must never be called.')
    assert said("calls", {"path": "calls"}, made, {"calls": ["book", "book"]})[0] == 0.5
    assert said("calls", {"path": "calls"}, made, {"other": 1})[0] is None


def test_one_made_call_answers_one_wanted_and_the_most_particular_first() -> None:
    made = output("", calls=[Call("book", {"amount": 1}), Call("book", {"amount": 2})])
    wanted = [{"tool": "book"}, {"tool": "book", "args": {"amount": 1}}]
    assert said("calls", {"calls": wanted, "is_all": True}, made)[0] == 1.0


def test_cost_and_duration_fall_with_what_is_beyond_the_most() -> None:
    assert said("cost", {"cost_usd_max": "0.02"}, output("", cost_usd=Decimal("0.02")))[0] == 1.0
    assert said("cost", {"cost_usd_max": "0.02"}, output("", cost_usd=Decimal("0.04"))) == (
        0.5, "It cost $0.04 of at most $0.02.",
    )  # fmt: skip
    assert said("duration", {"seconds_max": 2.0}, output("", duration_seconds=8.0)) == (
        0.25, "It took 8 s of at most 2 s.",
    )  # fmt: skip
    assert said("duration", {"seconds_max": 2.0}, output(""))[0] is None


def test_a_judge_is_taken_at_its_word_between_nothing_and_one() -> None:
    evaluators = [one("judge", EACH["judge"])]
    for given_score, kept in ((0.7, 0.7), (7.0, 1.0), (-1.0, 0.0), (float("nan"), None)):
        observed = output("fine", judged={"evr_judge": Mark(given_score, "clear")})
        assert score(evaluators, observed, None).parts[0].score == kept
    assert said("judge", EACH["judge"], output("fine"))[0] is None


def test_a_run_that_did_not_complete_is_worth_nothing_however_cheap_it_was() -> None:
    found = score([one("cost", EACH["cost"])], Observed("failed", reason="The provider said no."), None)
    assert (found.total, found.parts[0].score) == (0.0, 0.0)
    assert found.parts[0].reason == "The run is failed: The provider said no."
    assert score([], Observed("cancelled"), "x").total == 0.0


def test_without_an_evaluator_the_output_is_compared_and_else_it_counts_that_it_completed() -> None:
    assert [score([], output("a"), expected).total for expected in ("a", "b", None)] == [1.0, 0.0, 1.0]
    found = score([one("field", {"path": "total"})], output("a"), "a")
    assert [(part.kind, part.score) for part in found.parts] == [("field", None), ("equals", 1.0)]
    assert found.total == 1.0


def test_who_has_nothing_to_say_does_not_weigh() -> None:
    found = score([one("field", {"path": "x"}, "99"), one("contains", {"texts": ["a"]}, "1")], output("a"), None)
    assert (found.total, [part.share for part in found.parts]) == (1.0, [0.0, 1.0])


def test_weights_one_to_three_and_ten_to_thirty_give_the_same_mean() -> None:
    def total(first: str, second: str) -> float:
        return score(
            [one("contains", {"texts": ["a", "b", "c"]}, first), one("duration", {"seconds_max": 1.0}, second)],
            output("a b", duration_seconds=3.0), None,
        ).total  # fmt: skip

    assert total("1", "3") == total("10", "30") == total("0.1", "0.3") == pytest.approx(5 / 12)


@given(
    some.lists(some.decimals("0.000001", "1000", places=6), min_size=1, max_size=6),
    some.integers(1, 10_000),
    JSON,
    JSON,
)
def test_only_ratios_of_weights_count(weights: list[Decimal], factor: int, found: Any, expected: Any) -> None:
    kinds = ["equals", "field", "contains", "matches", "cost", "calls"]
    observed = output(found, calls=[Call("find_vendor")], cost_usd=Decimal("0.03"))

    def total(by: int) -> float:
        return score(
            [one(kind, EACH[kind], str(w * by)) for kind, w in zip(kinds, weights, strict=False)], observed, expected
        ).total

    assert total(1) == total(factor)


@given(JSON, JSON, some.sampled_from(["completed", "failed"]))
def test_every_score_is_between_nothing_and_one_and_every_reason_is_words(
    found: Any, expected: Any, state: str
) -> None:
    observed = Observed(state, found, [Call("pay", found)], Decimal("0.5"), 60.0)
    scores = score([one(kind, EACH[kind]) for kind in EVALUATOR_KINDS], observed, expected)
    assert 0.0 <= scores.total <= 1.0
    assert all(part.score is None or 0.0 <= part.score <= 1.0 for part in scores.parts)
    assert all(0 < len(part.reason) <= 500 for part in scores.parts)
    assert sum(part.share for part in scores.parts) == pytest.approx(1.0)


@given(JSON.filter(lambda value: value is not None))
def test_an_output_equals_itself(value: Any) -> None:
    assert score([one("equals")], output(value), value).total == 1.0


@pytest.mark.parametrize(
    ("kind", "settings", "where", "words"),
    [
        ("telepathy", {}, "kind", "must be one of equals"),
        ("equals", {"case": True}, "settings.case", "is no setting of equals; it has ignores_case"),
        ("field", {}, "settings.path", "field required"),
        ("field", {"path": "a..b"}, "settings.path", "string should match pattern"),
        ("field", {"path": "a", "within": "1"}, "settings.within", "input should be a valid number"),
        ("contains", {"texts": [""]}, "settings.texts.0", "at least 1 character"),
        ("matches", {"pattern": "("}, "settings.pattern", "unclosed group"),
        ("matches", {"pattern": "(?=x)"}, "settings.pattern", "look-around"),
        ("matches", {"pattern": "a{1000}{1000}{100}"}, "settings.pattern", "exceeds size limit"),
        ("matches", {"pattern": "a" * 501}, "settings.pattern", "more than 500 characters"),
        ("schema", {"schema": {"type": "thing"}}, "settings.schema", ".type"),
        ("calls", {}, "settings", "say which calls are wanted"),
        ("calls", {"calls": [{"args": {}}]}, "settings.calls.0.tool", "field required"),
        ("cost", {"cost_usd_max": 0}, "settings.cost_usd_max", "greater than 0"),
        ("duration", {"seconds_max": True}, "settings.seconds_max", "valid number"),
        ("judge", {"agent": "judge"}, "settings.revision", "field required"),
        ("contains", {"texts": ["a" * 2000] * 50}, "settings", "have more than 60,000 characters"),
    ],
)
def test_settings_that_are_wrong_say_what_and_where(
    kind: str, settings: dict[str, Any], where: str, words: str
) -> None:
    from signoff.evaluations.scoring import read_settings

    with pytest.raises(Malformed) as raised:
        read_settings(kind, settings)
    assert list(raised.value.errors) == [where]
    assert words in raised.value.errors[where][0]


@pytest.mark.parametrize("weight", ["0", "-1", "1000001", "0.0000001", "NaN", "Infinity"])
def test_a_weight_is_more_than_nothing(weight: str) -> None:
    with pytest.raises(Malformed) as raised:
        check_weight(Decimal(weight))
    assert list(raised.value.errors) == ["weight"]
    assert check_weight(Decimal("0.25")) == Decimal("0.25")
