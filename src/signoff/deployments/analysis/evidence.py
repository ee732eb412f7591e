"""What was seen of both variants, in sums that a database can give. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateBlock:
    """Runs of both variants in one stretch of time, and how many of them were hits (failed, asked, were denied).

    Blocks keep apart what a whole release would mix: a bad hour counts for both variants in that hour, whatever the
    candidate's share was then. Where a block ends may depend on the clock and on the number of runs, never on hits.
    """

    candidate_runs: int
    candidate_hits: int
    live_runs: int
    live_hits: int

    def __post_init__(self) -> None:
        if not (0 <= self.candidate_hits <= self.candidate_runs and 0 <= self.live_hits <= self.live_runs):
            raise ValueError(f"A block has no more hits than runs, and none below zero: {self}.")


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, sum and sum of squares of some values: all that is needed of them."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> Moments:
        """Return the moments of values."""
        kept = list(values)
        return cls(len(kept), math.fsum(kept), math.fsum(value * value for value in kept))

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """The mean; of nothing, zero."""
        return self.total / self.count if self.count else 0.0

    @property
    def spread(self) -> float:
        """The sum of squared distances from the mean, never below zero."""
        return max(0.0, self.squares - self.total * self.mean)


@dataclass(frozen=True, slots=True)
class MeasureBlock:
    """Moments of one measure of both variants in one stretch of time, on the scale of its metric (`Metric.scaled`)."""

    candidate: Moments
    live: Moments


@dataclass(frozen=True, slots=True)
class Pairs:
    """Inputs that both variants worked on: how often the candidate was the better, the worse, or neither."""

    better: int
    worse: int
    equal: int

    def __post_init__(self) -> None:
        if min(self.better, self.worse, self.equal) < 0:
            raise ValueError(f"A number of pairs is not below zero: {self}.")

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return self.better + self.worse + self.equal
