"""What is compared in every release, how far apart counts as different, and each measure's part of the error budget.

Pure. The parts are fixed before anything is seen and sum to one, so that over all measures and all looks together a
release without difference is called worse with probability at most `FALSE_ROLLBACK_MAX` (union bound).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

FALSE_ROLLBACK_MAX = 0.01

Kind = Literal["rate", "ratio", "level", "pairs"]


@dataclass(frozen=True, slots=True)
class Margin:
    """How much worse is still the same: so many parts of what serves, and so much on top."""

    relative: float = 0.2
    absolute: float = 0.0

    def __post_init__(self) -> None:
        if self.relative < 0 or self.absolute < 0 or self.relative + self.absolute == 0:
            raise ValueError(f"A margin is above zero: {self}.")


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is compared.

    Args:
        kind: `rate`: a share of runs; `ratio`: a positive measure with a long tail, compared by its typical factor;
            `level`: a bounded score, compared by its mean; `pairs`: the same inputs, judged side by side.
        weight: its part of the error budget.
        unit: of a ratio: what is small beside any value that matters; where `scaled` turns from linear to logarithmic.
        is_guard: the release is the same or better only when this is known not to be worse.
        runs_min: of each variant (or pairs), before it is called anything but worse.
        is_more_worse: whether more of it is worse.
    """

    name: str
    kind: Kind
    weight: float
    margin: Margin
    unit: float = 1.0
    is_guard: bool = False
    runs_min: int = 30
    is_more_worse: bool = True

    @property
    def alpha(self) -> float:
        """With what probability at most it is wrongly called worse; and wrongly anything else."""
        return FALSE_ROLLBACK_MAX * self.weight

    def scaled(self, value: float) -> float:
        """Return a value on the scale it is compared on: of a ratio, log(1 + value / unit).

        A bound on the tail: one run that cost a thousand times the usual moves the sum by seven, not by a thousand.

        Raises:
            ValueError: the value is below zero, or not a number.
        """
        if not (value >= 0 and math.isfinite(value)):
            raise ValueError(f"{self.name} is a number from zero up, not {value}.")
        return math.log1p(value / self.unit) if self.kind == "ratio" else value


ERRORS = Metric("errors", "rate", 0.40, Margin(0.2, 0.0005), is_guard=True)
NEEDS_INPUT = Metric("needs input", "rate", 0.10, Margin(0.2, 0.005))
DENIALS = Metric("denials", "rate", 0.10, Margin(0.2, 0.005))
COST = Metric("cost", "ratio", 0.10, Margin(0.2), unit=0.0001)  # US dollars
DURATION = Metric("duration", "ratio", 0.05, Margin(0.2), unit=0.1)  # seconds
TOOL_CALLS = Metric("tool calls", "ratio", 0.05, Margin(0.2), unit=1.0)
SCORE = Metric("score", "level", 0.10, Margin(0.0, 0.05), is_more_worse=False)  # from 0 to 1
PAIRS = Metric("pairs", "pairs", 0.10, Margin(0.0, 0.05))

METRICS = (ERRORS, NEEDS_INPUT, DENIALS, COST, DURATION, TOOL_CALLS, SCORE, PAIRS)
