"""Measures: closed forms agree, peeking is paid for, long tails do no harm."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from signoff.deployments.analysis.evidence import MeasureBlock, Moments
from signoff.deployments.analysis.measures import Difference, Gathered, compare_measure
from signoff.deployments.analysis.metrics import COST, SCORE, TOOL_CALLS, Metric
from tests.rooms.deployments.analysis.kit_releases import lognormal_block

# 99.9th percentile of the number of false alarms in 300 releases, when each has probability 0.2 % (both ends of COST).
FALSE_ALARMS_MAX = 5


def difference(blocks: list[MeasureBlock]) -> Difference:
    gathered = Gathered(0.01)
    for one in blocks:
        gathered.add(one)
    found = gathered.difference()
    assert found is not None
    return found


def test_moments_are_those_of_the_values_and_add_up() -> None:
    values = [0.5, 2.0, 2.5, 9.0]
    both = Moments.of(values[:1]) + Moments.of(values[1:])
    assert both.mean == pytest.approx(statistics.mean(values))
    assert both.spread / 3 == pytest.approx(statistics.variance(values))


@pytest.mark.parametrize("alpha", [0.1, 0.01, 0.0005])
@pytest.mark.parametrize("blocks", [3, 40])
def test_the_interval_ends_where_the_evidence_reaches_its_bound(alpha: float, blocks: int) -> None:
    chance = random.Random(1)
    found = difference([lognormal_block(chance, (10, 20)) for _ in range(blocks)])
    for end in (found.effect - found.reach(alpha), found.effect + found.reach(alpha)):
        assert found.log_e(end) == pytest.approx(math.log(1 / alpha))


def test_a_standard_error_is_the_textbooks_when_there_is_one_block() -> None:
    candidate, live = [1.0, 2.0, 4.0, 8.0], [3.0, 3.5, 5.0]
    found = difference([MeasureBlock(Moments.of(candidate), Moments.of(live))])
    assert found.effect == pytest.approx(statistics.mean(candidate) - statistics.mean(live))
    assert found.error**2 == pytest.approx(statistics.variance(candidate) / 4 + statistics.variance(live) / 3)


@pytest.mark.parametrize(("runs", "deviation"), [((1, 19), 0.8), ((5, 5), 0.8), ((3, 9), 2.0)])
def test_without_a_difference_hardly_any_interval_ever_misses_it(runs: tuple[int, int], deviation: float) -> None:
    chance = random.Random(20261128)
    missed = 0
    for _ in range(300):
        gathered = Gathered(0.1)
        for _ in range(80):
            gathered.add(lognormal_block(chance, runs, deviation=deviation))
            found = gathered.difference()
            if found is not None and found.freedom >= COST.runs_min - 1 and found.log_e(0) >= math.log(1 / COST.alpha):
                missed += 1
                break
    assert missed <= FALSE_ALARMS_MAX


def test_a_dearer_candidate_is_worse_and_a_cheaper_one_better() -> None:
    chance = random.Random(2)
    dear = compare_measure(COST, [lognormal_block(chance, (10, 10), factor=2.0) for _ in range(40)])
    cheap = compare_measure(COST, [lognormal_block(chance, (10, 10), factor=0.5) for _ in range(40)])
    same = compare_measure(COST, [lognormal_block(chance, (50, 50)) for _ in range(100)])
    assert (dear.verdict, cheap.verdict, same.verdict) == ("worse", "better", "same")
    assert dear.low is not None
    assert dear.high is not None
    assert dear.low < 1.0 < dear.high
    assert dear.evidence >= 1 / COST.alpha


def test_one_run_of_a_thousandfold_cost_does_not_make_a_candidate_worse() -> None:
    chance = random.Random(4)
    costs = [chance.lognormvariate(math.log(0.02), 0.3) for _ in range(400)]
    candidate = Moments.of(COST.scaled(cost) for cost in [*costs[:199], 20.0])
    finding = compare_measure(COST, [MeasureBlock(candidate, Moments.of(map(COST.scaled, costs[200:])))])
    assert finding.verdict != "worse"
    assert finding.live_value == pytest.approx(0.02, rel=0.1)


def test_a_lower_score_is_worse_because_more_of_it_is_better() -> None:
    chance = random.Random(6)

    def scores(mean: float) -> Moments:
        return Moments.of(min(1.0, max(0.0, chance.gauss(mean, 0.1))) for _ in range(300))

    assert compare_measure(SCORE, [MeasureBlock(scores(0.6), scores(0.8))]).verdict == "worse"
    assert compare_measure(SCORE, [MeasureBlock(scores(0.8), scores(0.6))]).verdict == "better"
    finding = compare_measure(SCORE, [MeasureBlock(scores(0.7), scores(0.7))])
    assert finding.verdict == "same"
    assert finding.sentence.startswith("score 0.7")


def test_values_that_are_all_equal_become_the_same_once_there_are_enough() -> None:
    def equal(count: int) -> list[MeasureBlock]:
        return [MeasureBlock(Moments.of([TOOL_CALLS.scaled(3)] * count), Moments.of([TOOL_CALLS.scaled(3)] * count))]

    assert compare_measure(TOOL_CALLS, equal(5)).verdict == "inconclusive"
    assert compare_measure(TOOL_CALLS, equal(200)).verdict == "same"


def test_a_bad_hour_with_more_of_the_candidate_is_nobodys_fault() -> None:
    chance = random.Random(8)
    blocks = [lognormal_block(chance, (2, 38)) for _ in range(20)]
    for _ in range(20):
        slow = lognormal_block(chance, (20, 20), factor=1.0)
        blocks.append(MeasureBlock(_moved(slow.candidate, 1.5), _moved(slow.live, 1.5)))
    mixed = MeasureBlock(
        sum((one.candidate for one in blocks), Moments()), sum((one.live for one in blocks), Moments())
    )
    assert compare_measure(COST, blocks).verdict != "worse"
    assert compare_measure(COST, [mixed]).verdict == "worse"


def _moved(moments: Moments, by: float) -> Moments:
    count, total = moments.count, moments.total
    return Moments(count, total + by * count, moments.squares + 2 * by * total + by * by * count)


@pytest.mark.parametrize("metric", [COST, SCORE])
def test_too_few_runs_say_so(metric: Metric) -> None:
    few = MeasureBlock(Moments.of([0.1] * 5), Moments.of([0.2] * 500))
    finding = compare_measure(metric, [few])
    assert finding.verdict == "inconclusive"
    assert "(5 against 500)" in finding.sentence


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_what_is_no_measure_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="a number from zero up"):
        COST.scaled(value)
