"""The verdict over all metrics, and its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signoff.deployments.analysis.evidence import MeasureBlock, Moments, Pairs, RateBlock
from signoff.deployments.analysis.finding import Finding
from signoff.deployments.analysis.judgement import judge
from signoff.deployments.analysis.measures import compare_measure
from signoff.deployments.analysis.metrics import COST, ERRORS, METRICS, NEEDS_INPUT, PAIRS
from signoff.deployments.analysis.pairs import compare_pairs
from signoff.deployments.analysis.rates import compare_rate

SAME_ERRORS = compare_rate(ERRORS, [RateBlock(100, 40, 100, 40)] * 60)
FEWER_ERRORS = compare_rate(ERRORS, [RateBlock(50, 1, 50, 12)] * 10)
MORE_ERRORS = compare_rate(ERRORS, [RateBlock(50, 12, 50, 1)] * 10)
FEW_RUNS = compare_rate(ERRORS, [RateBlock(5, 0, 5, 0)] * 3)


def cost(candidate: float, live: float) -> Finding:
    values = [0.9, 1.0, 1.1] * 100
    sides = (Moments.of(COST.scaled(one * value) for value in values) for one in (candidate, live))
    return compare_measure(COST, [MeasureBlock(*sides)])


def test_the_parts_of_the_error_budget_sum_to_one() -> None:
    assert sum(metric.weight for metric in METRICS) == pytest.approx(1.0)


def test_one_metric_that_is_worse_makes_the_candidate_worse() -> None:
    found = judge([SAME_ERRORS, cost(0.04, 0.02), compare_rate(NEEDS_INPUT, [])])
    assert found.verdict == "worse"
    assert found.reason.startswith("Worse: cost +")
    assert judge([MORE_ERRORS, cost(0.01, 0.02)]).verdict == "worse"


def test_it_is_better_when_one_metric_is_and_no_guard_is_unsettled() -> None:
    assert judge([SAME_ERRORS, cost(0.01, 0.02)]).verdict == "better"
    assert judge([FEWER_ERRORS, cost(0.02, 0.02)]).verdict == "better"
    unsettled = judge([FEW_RUNS, cost(0.01, 0.02)])
    assert unsettled.verdict == "inconclusive"
    assert unsettled.reason.startswith("Not enough is known: errors 0.0 % against 0.0 %")


def test_it_is_the_same_when_every_guard_is_no_worse_and_nothing_is_better() -> None:
    found = judge([SAME_ERRORS, cost(0.02, 0.02), compare_pairs(PAIRS, Pairs(1, 1, 5))])
    assert found.verdict == "same"
    assert found.reason.startswith("No worse than what serves: errors 40.0 %")


def test_a_breach_of_an_invariant_is_worse_at_once_whatever_else_was_seen() -> None:
    found = judge([FEWER_ERRORS], {"a secret was leaked": 0, "a forbidden call was made": 2})
    assert found.verdict == "worse"
    assert found.breaches == ("a forbidden call was made",)
    assert found.reason == "This must never happen, and did: a forbidden call was made (2 times)."
    assert judge([], {"a secret was leaked": 1}).reason.endswith("did: a secret was leaked.")


def test_nothing_seen_is_inconclusive() -> None:
    assert judge([]).verdict == "inconclusive"
    assert judge([compare_rate(ERRORS, [])]).reason == (
        "Not enough is known: errors: too little to compare yet (0 against 0)."
    )


def test_more_than_the_promised_errors_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="judged once"):
        judge([SAME_ERRORS, SAME_ERRORS])
    heavy = replace(SAME_ERRORS, metric=replace(ERRORS, weight=0.95))
    with pytest.raises(ValueError, match="sum to more than one"):
        judge([heavy, cost(0.02, 0.02)])
