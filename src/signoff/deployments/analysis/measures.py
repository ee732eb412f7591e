"""Comparing a measure: cost, duration, tool calls on a logarithmic scale, a score as it is. Pure.

Sums are enough. Each block gives a difference of means, weighted as if both variants varied alike; the weighted sum,
over its standard error, is held against the boundary of the anytime-valid t-test. That is exact for normal values,
and beyond them asymptotic like any t-test: hence the logarithm, a minimum of runs, variances told apart, the degrees
of freedom of the smaller side, and a least variance.

Lindon, Ham, Tingley & Bojinov, "Anytime-Valid Linear Models and Regression Adjusted Causal Inference in Randomized
Experiments", arXiv:2210.08589; for the limit, Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform central
limit theory and asymptotic confidence sequences", Ann. Statist. 52 (2024), arXiv:2103.06476.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from signoff.deployments.analysis.evidence import MeasureBlock, Moments
from signoff.deployments.analysis.finding import Finding, nothing_yet, verdict_of
from signoff.deployments.analysis.metrics import Metric
from signoff.deployments.analysis.words import signed, span

# The effects looked for have this precision, in standard deviations: about 0.3, a small to medium one.
_PRECISION = 10.0
# No variance is taken to be smaller: ten percent of a ratio, a hundredth of a level. A few equal values say little.
LEAST_DEVIATION = {"ratio": 0.1, "level": 0.01}
_LOG_MAX = 700.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of means, its standard error, and how many pairs of runs it is worth."""

    effect: float
    error: float
    weight: float
    freedom: int

    def log_e(self, null: float) -> float:
        """Return the logarithm of the e-value against the difference being `null`."""
        t2 = ((self.effect - null) / self.error) ** 2 / self.freedom
        kept = _PRECISION / (_PRECISION + self.weight)
        return 0.5 * math.log(kept) + (self.freedom + 1) / 2 * (math.log1p(t2) - math.log1p(kept * t2))

    def reach(self, alpha: float) -> float:
        """Return how far around the effect the difference may be: half of the interval, perhaps without end."""
        kept = _PRECISION / (_PRECISION + self.weight)
        root = (alpha * alpha * kept) ** (1 / (self.freedom + 1))
        return self.error * math.sqrt(self.freedom * (1 - root) / (root - kept)) if root > kept else math.inf


@dataclass(slots=True)
class Gathered:
    """The sums over blocks from which a difference follows. A block in which one side has no runs is left out.

    Args:
        least_deviation: no standard deviation is taken to be smaller.
    """

    least_deviation: float
    candidate: Moments = field(default_factory=Moments)
    live: Moments = field(default_factory=Moments)
    weight: float = 0.0
    total: float = 0.0
    candidate_part: float = 0.0
    live_part: float = 0.0

    def add(self, block: MeasureBlock) -> None:
        """Take in a block."""
        ours, theirs = block.candidate.count, block.live.count
        if not ours or not theirs:
            return
        part = ours * theirs / (ours + theirs)
        self.candidate += block.candidate
        self.live += block.live
        self.weight += part
        self.total += part * (block.candidate.mean - block.live.mean)
        self.candidate_part += part * part / ours
        self.live_part += part * part / theirs

    def difference(self) -> Difference | None:
        """Return the difference candidate − live; None with fewer than two runs of each."""
        if min(self.candidate.count, self.live.count) < 2:
            return None
        ours, theirs = (
            max(side.spread / (side.count - 1), self.least_deviation**2) for side in (self.candidate, self.live)
        )
        variance = ours * self.candidate_part + theirs * self.live_part
        freedom = min(self.candidate.count, self.live.count) - 1
        return Difference(self.total / self.weight, math.sqrt(variance) / self.weight, self.weight, freedom)


def compare_measure(metric: Metric, blocks: Sequence[MeasureBlock]) -> Finding:
    """Compare a measure, given its moments on the metric's scale (`Metric.scaled`) in each block."""
    gathered = Gathered(LEAST_DEVIATION[metric.kind])
    for one in blocks:
        gathered.add(one)
    candidate, live, found = gathered.candidate, gathered.live, gathered.difference()
    if found is None or min(candidate.count, live.count) < metric.runs_min:
        return nothing_yet(metric, candidate.count, live.count)
    reach = found.reach(metric.alpha)
    if math.isinf(reach):
        return nothing_yet(metric, candidate.count, live.count)
    low, high = found.effect - reach, found.effect + reach
    margin = margin_of(metric)
    # As if more were worse.
    harm_low, harm_high, harm = (low, high, found.effect) if metric.is_more_worse else (-high, -low, -found.effect)
    signed_margin = margin if metric.is_more_worse else -margin
    evidence = math.exp(min(found.log_e(signed_margin), _LOG_MAX)) if harm > margin else 1.0
    return Finding(
        metric,
        verdict_of(
            is_worse=harm_low > margin,
            is_better=harm_high < -margin,
            is_no_worse=harm_high <= margin,
            is_no_better=harm_low >= -margin,
            is_enough=True,
        ),
        _sentence(metric, found.effect, low, high, candidate.mean, live.mean),
        candidate.count,
        live.count,
        effect=_shown(metric, found.effect),
        low=_shown(metric, low),
        high=_shown(metric, high),
        candidate_value=_value(metric, candidate.mean),
        live_value=_value(metric, live.mean),
        evidence=evidence,
        is_no_worse=harm_high <= margin,
    )


def margin_of(metric: Metric) -> float:
    """Return the margin on the metric's scale."""
    return math.log1p(metric.margin.relative) if metric.kind == "ratio" else metric.margin.absolute


def _shown(metric: Metric, effect: float) -> float:
    return math.expm1(min(effect, _LOG_MAX)) if metric.kind == "ratio" else effect


def _value(metric: Metric, mean: float) -> float:
    return math.expm1(min(mean, _LOG_MAX)) * metric.unit if metric.kind == "ratio" else mean


def _sentence(metric: Metric, effect: float, low: float, high: float, candidate: float, live: float) -> str:
    if metric.kind == "ratio":
        shown, bottom, top = (_shown(metric, one) * 100 for one in (effect, low, high))
        return f"{metric.name} {signed(shown, 0)} % ({span(bottom, top, 0)})"
    return f"{metric.name} {candidate:.2f} against {live:.2f}: {signed(effect, 2)} ({span(low, high, 2)})"
