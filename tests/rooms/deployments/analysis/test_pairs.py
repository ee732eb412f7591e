"""Pairs: a sign test that may be looked at after every pair."""

from __future__ import annotations

import math
import random

import pytest

from signoff.deployments.analysis.evidence import Pairs
from signoff.deployments.analysis.metrics import PAIRS
from signoff.deployments.analysis.pairs import compare_pairs, log_e


@pytest.mark.parametrize("null", [-0.5, 0.0, 0.05, 0.4])
@pytest.mark.parametrize("share_equal", [0.0, 0.5, 0.9])
def test_a_bet_on_what_is_false_wins_nothing_on_average(null: float, share_equal: float) -> None:
    """By enumeration of five pairs."""
    worse = (1 - share_equal + null) / 2
    better = 1 - share_equal - worse
    if min(worse, better) < 0:
        worse, better, share_equal = max(null, 0.0), max(-null, 0.0), 1 - abs(null)
    mean = 0.0
    for w in range(6):
        for b in range(6 - w):
            e = 5 - w - b
            ways = math.factorial(5) // (math.factorial(w) * math.factorial(b) * math.factorial(e))
            mean += ways * worse**w * better**b * share_equal**e * math.exp(log_e(Pairs(b, w, e), null))
    assert mean == pytest.approx(1.0)


def test_evidence_falls_as_more_is_claimed() -> None:
    found = [log_e(Pairs(better=3, worse=12, equal=40), null / 100) for null in range(-90, 91)]
    assert found == sorted(found, reverse=True)


def test_without_a_difference_hardly_any_release_is_called_worse() -> None:
    chance = random.Random(9)
    alarms = 0
    for _ in range(300):
        better = worse = 0
        for _ in range(200):
            drawn = chance.random()
            better, worse = better + (drawn < 0.3), worse + (drawn > 0.7)
            if log_e(Pairs(better, worse, 0), 0.0) >= math.log(1 / PAIRS.alpha):
                alarms += 1
                break
    # 99.9th percentile at a probability of 0.1 %.
    assert alarms <= 4


@pytest.mark.parametrize(
    ("pairs", "verdict"),
    [
        (Pairs(better=2, worse=38, equal=10), "worse"),
        (Pairs(better=38, worse=2, equal=10), "better"),
        (Pairs(better=0, worse=0, equal=300), "same"),
        (Pairs(better=5, worse=5, equal=900), "same"),
        (Pairs(better=0, worse=0, equal=20), "inconclusive"),
        (Pairs(better=10, worse=14, equal=30), "inconclusive"),
        (Pairs(better=0, worse=0, equal=0), "inconclusive"),
        (Pairs(better=0, worse=40, equal=0), "worse"),
        (Pairs(better=40, worse=0, equal=0), "better"),
    ],
    ids=str,
)
def test_the_verdict_of_pairs(pairs: Pairs, verdict: str) -> None:
    assert compare_pairs(PAIRS, pairs).verdict == verdict


def test_the_sentence_counts_pairs() -> None:
    said = compare_pairs(PAIRS, Pairs(better=3, worse=12, equal=185)).sentence
    assert said.startswith("of 200 pairs 12 are worse and 3 better: +4.5 points (")


def test_fewer_than_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="not below zero"):
        Pairs(better=1, worse=-1, equal=0)
