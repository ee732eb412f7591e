"""What came out for one metric. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from signoff.deployments.analysis.metrics import Metric

Verdict = Literal["better", "same", "worse", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One metric, compared.

    Args:
        effect: candidate minus live. Of a rate, a level and pairs: in parts of one. Of a ratio: the factor less one.
        low, high: where the effect is; each end is wrong, at any look, with probability at most `metric.alpha`.
        evidence: the e-value for "worse by more than the margin": 1 is none, 1 / alpha is enough.
        is_no_worse: whether it is known to be at most the margin worse.
        sentence: all of it for a reader.
    """

    metric: Metric
    verdict: Verdict
    sentence: str
    candidate_runs: int
    live_runs: int
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    candidate_value: float | None = None
    live_value: float | None = None
    evidence: float = 1.0
    is_no_worse: bool = False


def verdict_of(*, is_worse: bool, is_better: bool, is_no_worse: bool, is_no_better: bool, is_enough: bool) -> Verdict:
    """Return the verdict of one metric; worse needs no minimum, because its evidence carries its own."""
    if is_worse:
        return "worse"
    if not is_enough:
        return "inconclusive"
    if is_better:
        return "better"
    return "same" if is_no_worse and is_no_better else "inconclusive"


def nothing_yet(metric: Metric, candidate_runs: int, live_runs: int) -> Finding:
    """Return the finding of a metric of which too little was seen for any number."""
    sentence = f"{metric.name}: too little to compare yet ({candidate_runs} against {live_runs})"
    return Finding(metric, "inconclusive", sentence, candidate_runs, live_runs)
