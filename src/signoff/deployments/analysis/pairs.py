"""Comparing pairs: the same input, worked on by both variants in a shadow or a replay. Exact, from three counts. Pure.

A pair is worth +1 when the candidate is worse, −1 when it is better, 0 when neither. That its mean is above `null` is
bet on with a fixed part of the stake in each pair, for several parts at once; the order of the pairs does not matter.
At a null of zero this is a sequential sign test.

Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", J. R. Stat. Soc. B 86 (2024),
arXiv:2010.09686.
"""

from __future__ import annotations

import math

from signoff.deployments.analysis.evidence import Pairs
from signoff.deployments.analysis.finding import Finding, nothing_yet, verdict_of
from signoff.deployments.analysis.metrics import Metric
from signoff.deployments.analysis.words import signed, span

_STAKES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
_HALVINGS = 30
_LOG_MAX = 700.0


def compare_pairs(metric: Metric, pairs: Pairs) -> Finding:
    """Compare by pairs; the effect is the share in which the candidate was worse, less that in which it was better."""
    if not pairs.count:
        return nothing_yet(metric, 0, 0)
    turned = Pairs(better=pairs.worse, worse=pairs.better, equal=pairs.equal)
    low, high = _lower_end(pairs, metric.alpha), -_lower_end(turned, metric.alpha)
    effect = (pairs.worse - pairs.better) / pairs.count
    margin = metric.margin.absolute
    return Finding(
        metric,
        verdict_of(
            is_worse=low >= margin,
            is_better=high <= -margin,
            is_no_worse=high <= margin,
            is_no_better=low >= -margin,
            is_enough=pairs.count >= metric.runs_min,
        ),
        f"of {pairs.count} pairs {pairs.worse} are worse and {pairs.better} better:"
        f" {signed(effect * 100)} points ({span(low * 100, high * 100)})",
        pairs.count,
        pairs.count,
        effect=effect,
        low=low,
        high=high,
        evidence=math.exp(min(log_e(pairs, margin), _LOG_MAX)),
        is_no_worse=high <= margin,
    )


def log_e(pairs: Pairs, null: float) -> float:
    """Return the logarithm of the e-value against the mean being at most `null`, which is above −1 and below 1.

    Each factor 1 + stake · (x − null) / (1 + null) is positive, has a mean of at most 1 when that of x is at most
    `null`, and falls as `null` grows: so the intervals made of it are nested.
    """
    logs = [
        pairs.worse * math.log1p(stake * (1 - null) / (1 + null))
        + pairs.equal * math.log1p(-stake * null / (1 + null))
        + pairs.better * math.log1p(-stake)
        for stake in _STAKES
    ]
    top = max(logs)
    return top + math.log(sum(math.exp(one - top) for one in logs) / len(logs))


def _lower_end(pairs: Pairs, alpha: float) -> float:
    passed, open_ = -1.0, (pairs.worse - pairs.better) / pairs.count
    if open_ <= passed:
        return passed
    for _ in range(_HALVINGS):
        middle = (passed + open_) / 2
        if log_e(pairs, middle) >= math.log(1 / alpha):
            passed = middle
        else:
            open_ = middle
    return passed
