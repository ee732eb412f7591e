"""Rates: the evidence is fair by enumeration, honest under peeking, and finds what is worse."""

from __future__ import annotations

import math
import random
from itertools import product

import pytest

from signoff.deployments.analysis.bets import EQUAL_ODDS, PLAIN_ODDS, Bets
from signoff.deployments.analysis.evidence import RateBlock
from signoff.deployments.analysis.metrics import ERRORS
from signoff.deployments.analysis.projection import nearest
from signoff.deployments.analysis.rates import compare_rate, worse_bets
from tests.rooms.deployments.analysis.kit_releases import rate_blocks

# 99.9th percentile of the number of false alarms in 300 releases, when each has probability 0.4 %.
FALSE_ALARMS_MAX = 6
LINES = [(1.0, 0.0), (1.2, 0.0005), (1.0, -0.3), (1 / 1.2, -0.0005 / 1.2), (1.0, 0.4)]


def likelihood(runs: int, hits: int, rate: float) -> float:
    return math.comb(runs, hits) * rate**hits * (1 - rate) ** (runs - hits)


def divergence(of: float, rate: float) -> float:
    return of * math.log(of / rate) + (1 - of) * math.log((1 - of) / (1 - rate))


@pytest.mark.parametrize(("slope", "offset"), LINES)
@pytest.mark.parametrize("sizes", [(1, 19), (5, 5), (40, 3)])
def test_the_nearest_pair_is_the_nearest(slope: float, offset: float, sizes: tuple[int, int]) -> None:
    high, low = 0.7, 0.1
    found = nearest(high, sizes[0], low, sizes[1], slope=slope, offset=offset)

    def far(q: float) -> float:
        return sizes[0] * divergence(high, slope * q + offset) + sizes[1] * divergence(low, q)

    grid = [q for q in (step / 20_000 for step in range(1, 20_000)) if 0 < slope * q + offset < 1]
    assert far(found) <= min(map(far, grid)) + 1e-9


@pytest.mark.parametrize(("slope", "offset"), LINES)
@pytest.mark.parametrize("odds", [PLAIN_ODDS, EQUAL_ODDS])
@pytest.mark.parametrize("before", [(0, 0, 0, 0), (20, 9, 30, 2), (30, 1, 30, 12)])
def test_a_bet_on_what_is_false_wins_nothing_on_average(
    slope: float, offset: float, odds: tuple[float, ...], before: tuple[int, int, int, int]
) -> None:
    """By enumeration of all outcomes of one block, at many pairs of rates at which the claim is false."""
    sizes = (4, 7)
    outcomes = list(product(range(sizes[0] + 1), range(sizes[1] + 1)))
    start = Bets(slope, offset, odds)
    start.add(*before)
    won = {}
    for high_hits, low_hits in outcomes:
        bets = Bets(slope, offset, odds)
        bets.add(*before)
        bets.add(sizes[0], high_hits, sizes[1], low_hits)
        won[high_hits, low_hits] = math.exp(bets.log_e - start.log_e)
    for step in range(101):
        low = step / 100
        for below in (0.0, 0.05, 0.3):
            high = slope * low + offset - below
            if 0 <= high <= 1:
                mean = sum(
                    won[a, b] * likelihood(sizes[0], a, high) * likelihood(sizes[1], b, low) for a, b in outcomes
                )
                assert mean <= 1 + 1e-9, (low, high)


@pytest.mark.parametrize("runs", [(1, 19), (5, 5)])
def test_without_a_difference_hardly_any_release_is_called_worse_however_often_one_looks(runs: tuple[int, int]) -> None:
    chance = random.Random(20261127)
    enough = math.log(1 / ERRORS.alpha)
    alarms = 0
    for _ in range(300):
        # Against no margin at all, so that the bound itself is tried.
        bets = Bets()
        for one in rate_blocks(chance, candidate=0.1, live=0.1, runs=runs, count=120):
            bets.add(one.candidate_runs, one.candidate_hits, one.live_runs, one.live_hits)
            if bets.log_e >= enough:
                alarms += 1
                break
    assert alarms <= FALSE_ALARMS_MAX


def test_an_outage_that_hits_both_is_nobodys_fault_even_while_the_share_grows() -> None:
    """All runs of the second half fail more, and most of the candidate's are there: mixed, it would be blamed."""
    chance = random.Random(7)
    verdicts: list[str] = []
    mixed_up: list[bool] = []
    for _ in range(20):
        blocks = [
            *rate_blocks(chance, candidate=0.02, live=0.02, runs=(1, 19), count=40),
            *rate_blocks(chance, candidate=0.3, live=0.3, runs=(10, 10), count=40),
        ]
        verdicts.append(compare_rate(ERRORS, blocks).verdict)
        mixed_up.append(compare_rate(ERRORS, [mixed(blocks)]).verdict == "worse")
    assert "worse" not in verdicts
    assert sum(mixed_up) >= 15


def mixed(blocks: list[RateBlock]) -> RateBlock:
    return RateBlock(
        sum(one.candidate_runs for one in blocks),
        sum(one.candidate_hits for one in blocks),
        sum(one.live_runs for one in blocks),
        sum(one.live_hits for one in blocks),
    )


def test_twice_the_errors_are_found_within_a_thousand_runs_of_the_candidate() -> None:
    chance = random.Random(3)
    found = 0
    for _ in range(40):
        blocks = list(rate_blocks(chance, candidate=0.2, live=0.1, runs=(5, 5), count=200))
        found += worse_bets(ERRORS.margin, blocks).log_e >= math.log(1 / ERRORS.alpha)
    assert found >= 30


def test_a_candidate_that_always_fails_is_found_within_ten_runs() -> None:
    blocks = [RateBlock(0, 0, 1, int(number == 7)) for number in range(20)] + [RateBlock(1, 1, 1, 0)] * 10
    finding = compare_rate(ERRORS, blocks)
    assert finding.verdict == "worse"
    assert compare_rate(ERRORS, blocks[:-7]).verdict == "inconclusive"


def test_the_interval_covers_the_truth_and_says_what_the_verdict_says() -> None:
    chance = random.Random(11)
    missed = 0
    for _ in range(25):
        finding = compare_rate(ERRORS, list(rate_blocks(chance, candidate=0.3, live=0.1, count=60)))
        assert finding.low is not None
        assert finding.high is not None
        missed += not finding.low <= 0.2 <= finding.high
        assert (finding.verdict == "worse") <= (finding.low > 0)
    assert missed == 0


def test_it_is_better_the_same_or_unsettled_by_the_same_evidence() -> None:
    chance = random.Random(5)
    better = compare_rate(ERRORS, list(rate_blocks(chance, candidate=0.02, live=0.2, count=100)))
    same = compare_rate(ERRORS, list(rate_blocks(chance, candidate=0.4, live=0.4, runs=(60, 60), count=100)))
    early = compare_rate(ERRORS, list(rate_blocks(chance, candidate=0.1, live=0.1, count=20)))
    assert (better.verdict, same.verdict, early.verdict) == ("better", "same", "inconclusive")
    assert better.is_no_worse
    assert not early.is_no_worse


def test_the_sentence_names_both_rates_the_difference_and_its_interval() -> None:
    finding = compare_rate(ERRORS, [RateBlock(50, 20, 50, 1)] * 4)
    assert finding.sentence.startswith("errors 40.0 % against 2.0 %: +38.0 points (")
    assert finding.sentence.endswith(")")


def test_nothing_to_compare_says_so() -> None:
    for blocks in ([], [RateBlock(0, 0, 100, 3)], [RateBlock(7, 7, 0, 0)]):
        finding = compare_rate(ERRORS, blocks)
        assert finding.verdict == "inconclusive"
        assert finding.effect is None
        assert "too little to compare yet" in finding.sentence


@pytest.mark.parametrize("counts", [(1, 0, 1, 1), (1, 1, 1, 0), (3, 0, 3, 3), (3, 3, 3, 0), (5, 0, 5, 0), (5, 5, 5, 5)])
def test_the_extremes_have_an_interval_too(counts: tuple[int, int, int, int]) -> None:
    finding = compare_rate(ERRORS, [RateBlock(*counts)] * 3)
    assert finding.low is not None
    assert finding.high is not None
    assert finding.effect is not None
    assert -1 <= finding.low <= finding.effect <= finding.high <= 1


def test_more_hits_than_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="no more hits than runs"):
        RateBlock(1, 2, 1, 0)
