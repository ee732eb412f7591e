"""Comparing a share of runs: errors, runs that asked, calls that were denied. Exact at every sample size. Pure.

It takes the blocks in the order in which they happened. That is all that is kept of the runs: within a block the
evidence depends on the four counts alone (`bets.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from signoff.deployments.analysis.bets import EQUAL_ODDS, Bets
from signoff.deployments.analysis.evidence import RateBlock
from signoff.deployments.analysis.finding import Finding, nothing_yet, verdict_of
from signoff.deployments.analysis.metrics import Margin, Metric
from signoff.deployments.analysis.words import percent, signed, span

# How an interval's end is found: a first step of two points, and to a five-hundredth of the step that reached it.
_STEP = 0.02
_HALVINGS = 9
# No e-value above e to this is told apart.
_LOG_MAX = 700.0


def compare_rate(metric: Metric, blocks: Sequence[RateBlock]) -> Finding:
    """Compare a rate of which more is worse, over blocks in the order in which they happened.

    The rates and their difference are those of equal weight in each block, as Mantel and Haenszel have it; so is the
    interval's centre. Cost: some tenths of a millisecond for each block, nearly all of it for the interval.
    """
    blocks = _joined(blocks)
    candidate_runs, live_runs = sum(one.candidate_runs for one in blocks), sum(one.live_runs for one in blocks)
    if not candidate_runs or not live_runs:
        return nothing_yet(metric, candidate_runs, live_runs)
    enough = math.log(1 / metric.alpha)
    worse = worse_bets(metric.margin, blocks).log_e
    no_worse = no_worse_bets(metric.margin, blocks).log_e >= enough
    turned = [RateBlock(one.live_runs, one.live_hits, one.candidate_runs, one.candidate_hits) for one in blocks]
    candidate, live = _weighted(blocks)
    low = _lower_end(blocks, candidate - live, enough)
    high = -_lower_end(turned, live - candidate, enough)
    return Finding(
        metric,
        verdict_of(
            is_worse=worse >= enough,
            is_better=worse_bets(metric.margin, turned).log_e >= enough,
            is_no_worse=no_worse,
            is_no_better=no_worse_bets(metric.margin, turned).log_e >= enough,
            is_enough=min(candidate_runs, live_runs) >= metric.runs_min,
        ),
        f"{metric.name} {percent(candidate)} against {percent(live)}: {signed((candidate - live) * 100)} points"
        f" ({span(low * 100, high * 100)})",
        candidate_runs,
        live_runs,
        effect=candidate - live,
        low=low,
        high=high,
        candidate_value=candidate,
        live_value=live,
        evidence=math.exp(min(worse, _LOG_MAX)),
        is_no_worse=no_worse,
    )


def worse_bets(margin: Margin, blocks: Sequence[RateBlock]) -> Bets:
    """Return the evidence that the candidate's rate is above live's by more than the margin."""
    bets = Bets(1 + margin.relative, margin.absolute)
    for one in blocks:
        bets.add(one.candidate_runs, one.candidate_hits, one.live_runs, one.live_hits)
    return bets


def no_worse_bets(margin: Margin, blocks: Sequence[RateBlock]) -> Bets:
    """Return the evidence that the candidate's rate is above live's by less than the margin."""
    slope = 1 + margin.relative
    bets = Bets(1 / slope, -margin.absolute / slope, EQUAL_ODDS)
    for one in blocks:
        bets.add(one.live_runs, one.live_hits, one.candidate_runs, one.candidate_hits)
    return bets


def _lower_end(blocks: Sequence[RateBlock], effect: float, enough: float) -> float:
    """Return the largest difference that the evidence says is passed: a test turned into an interval."""

    def is_passed(difference: float) -> bool:
        bets = Bets(1.0, difference)
        for one in blocks:
            bets.add(one.candidate_runs, one.candidate_hits, one.live_runs, one.live_hits)
        return bets.log_e >= enough

    # First find a difference that is passed, twice as far away each time; then halve the way back.
    passed, open_, step = max(-1.0, effect - _STEP), effect, _STEP
    while passed > -1 and not is_passed(passed):
        passed, open_, step = max(-1.0, passed - 2 * step), passed, 2 * step
    for _ in range(_HALVINGS):
        middle = (passed + open_) / 2
        if middle > -1 and is_passed(middle):
            passed = middle
        else:
            open_ = middle
    return passed


def _weighted(blocks: Sequence[RateBlock]) -> tuple[float, float]:
    weight = candidate = live = 0.0
    for one in blocks:
        part = one.candidate_runs * one.live_runs / (one.candidate_runs + one.live_runs)
        weight += part
        candidate += part * one.candidate_hits / one.candidate_runs
        live += part * one.live_hits / one.live_runs
    return candidate / weight, live / weight


def _joined(blocks: Sequence[RateBlock]) -> list[RateBlock]:
    """Return blocks in which both variants have runs: one that has not is joined to the next, the last is left out."""
    joined: list[RateBlock] = []
    waiting = RateBlock(0, 0, 0, 0)
    for one in blocks:
        waiting = RateBlock(
            waiting.candidate_runs + one.candidate_runs,
            waiting.candidate_hits + one.candidate_hits,
            waiting.live_runs + one.live_runs,
            waiting.live_hits + one.live_hits,
        )
        if waiting.candidate_runs and waiting.live_runs:
            joined.append(waiting)
            waiting = RateBlock(0, 0, 0, 0)
    return joined
