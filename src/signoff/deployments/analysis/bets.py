"""Evidence that one rate is higher than another, block by block: an e-process that any number of looks leaves valid.

Each block is bet on before it is looked at. The bet is a likelihood ratio: an alternative (high*, low*) learned from
earlier blocks, against the nearest pair (high°, low°) at which the claim is false, high° = slope · low° + offset. Its
expected value is at most 1 wherever the claim is false, so the product over blocks exceeds 1/α with probability at
most α, ever (Ville 1939).

That the expected value is at most 1: for rates (h, l) of a block it is the product over both variants j of
(1 + (j − j°)(j* − j°) / (j°(1 − j°)))^n_j, at most exp of the sum of n_j (j − j°)(j* − j°) / (j°(1 − j°)); and that sum
is not above zero for any (h, l) of a convex set in which (h°, l°) is the nearest to (h*, l*). Only the means within
the block count: rates may differ from block to block and from run to run.

Turner, Ly & Grünwald, "Generic E-variables for exact sequential k-sample tests that allow for optional stopping",
J. Stat. Plan. Inference 230 (2024), arXiv:2106.02693; Turner & Grünwald, "Safe Sequential Testing and Effect
Estimation in Stratified Count Data", AISTATS 2023, arXiv:2302.11401.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from signoff.deployments.analysis.projection import nearest

# Before anything was seen: half a hit in ten runs, which a dozen runs outweigh.
_PRIOR_HITS, _PRIOR_RUNS = 0.5, 10.0
# How many runs of the low side's rate the high side's learned rate starts from.
_SHRINK_RUNS = 2.0
# Odds ratios that are bet on from the first block, beside the learned one: what is plainly worse is found at once.
PLAIN_ODDS = (2.0, 5.0)
# For claims that both are about equal.
EQUAL_ODDS = (1.0,)


@dataclass(slots=True)
class Bets:
    """Evidence for high > slope · low + offset, over all blocks added so far.

    A block in which one side has no runs says nothing by itself and is joined to the next.

    Args:
        odds: odds ratios of high to low, bet on beside the learned alternative with half of the stake.
    """

    slope: float = 1.0
    offset: float = 0.0
    odds: tuple[float, ...] = PLAIN_ODDS
    _high_runs: int = 0
    _high_hits: int = 0
    _low_runs: int = 0
    _low_hits: int = 0
    _waiting: tuple[int, int, int, int] = (0, 0, 0, 0)
    _logs: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        self._logs = [0.0] * (1 + len(self.odds))

    def add(self, high_runs: int, high_hits: int, low_runs: int, low_hits: int) -> None:
        """Take in the next block."""
        seen = self._waiting
        block = (seen[0] + high_runs, seen[1] + high_hits, seen[2] + low_runs, seen[3] + low_hits)
        if not block[0] or not block[2]:
            self._waiting = block
            return
        self._waiting = (0, 0, 0, 0)
        low = (self._low_hits + _PRIOR_HITS) / (self._low_runs + _PRIOR_RUNS)
        learned = (self._high_hits + _SHRINK_RUNS * low) / (self._high_runs + _SHRINK_RUNS)
        for index, high in enumerate((learned, *(_at_odds(low, ratio) for ratio in self.odds))):
            self._logs[index] += self._won(high, low, block)
        self._high_runs += block[0]
        self._high_hits += block[1]
        self._low_runs += block[2]
        self._low_hits += block[3]

    @property
    def log_e(self) -> float:
        """The logarithm of the e-value: the mean of what the bets have made of 1, half of it from the learned one."""
        top = max(self._logs)
        shares = (0.5, *(0.5 / len(self.odds) for _ in self.odds))
        return top + math.log(sum(share * math.exp(log - top) for share, log in zip(shares, self._logs, strict=True)))

    def _won(self, high: float, low: float, block: tuple[int, int, int, int]) -> float:
        if high <= self.slope * low + self.offset:
            return 0.0  # There the claim is false: nothing is bet.
        high_runs, high_hits, low_runs, low_hits = block
        low_null = nearest(high, high_runs, low, low_runs, slope=self.slope, offset=self.offset)
        high_null = self.slope * low_null + self.offset
        return _log_ratio(high, high_null, high_runs, high_hits) + _log_ratio(low, low_null, low_runs, low_hits)


def _log_ratio(rate: float, null: float, runs: int, hits: int) -> float:
    return hits * math.log(rate / null) + (runs - hits) * math.log((1 - rate) / (1 - null))


def _at_odds(rate: float, ratio: float) -> float:
    return rate * ratio / (1 - rate + rate * ratio)
