"""All metrics of one release together: better, same, worse or inconclusive, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from signoff.deployments.analysis.finding import Finding, Verdict
from signoff.deployments.analysis.metrics import FALSE_ROLLBACK_MAX


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to make of a candidate. `worse` means: roll back now. `inconclusive` at the end means: a person decides."""

    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...] = ()
    breaches: tuple[str, ...] = ()


def judge(findings: Sequence[Finding], breaches: Mapping[str, int] | None = None) -> Judgement:
    """Return the verdict over all findings of one release.

    Worse as soon as one metric is, or an invariant was breached once. Same or better only when every guard is known
    to be no worse; better when besides one metric is.

    Args:
        findings: one for each metric that is compared. Which ones is settled before the first look.
        breaches: invariant (`a secret was leaked`) → how often it was breached.

    Raises:
        ValueError: a metric comes twice, or together they may err more often than is promised.
    """
    _check(findings)
    broken = tuple(name for name, count in (breaches or {}).items() if count > 0)
    kept = tuple(findings)
    if broken:
        counts = breaches or {}
        said = "; ".join(f"{name} ({counts[name]} times)" if counts[name] > 1 else name for name in broken)
        return Judgement("worse", f"This must never happen, and did: {said}.", kept, broken)
    worse = [one for one in kept if one.verdict == "worse"]
    if worse:
        return Judgement("worse", f"Worse: {_said(worse)}.", kept)
    guards = [one for one in kept if one.metric.is_guard]
    unsettled = [one for one in guards if not _is_settled(one)]
    if not guards or unsettled:
        return Judgement("inconclusive", f"Not enough is known: {_said(unsettled or kept)}.", kept)
    better = [one for one in kept if one.verdict == "better"]
    if better:
        return Judgement("better", f"Better: {_said(better)}.", kept)
    return Judgement("same", f"No worse than what serves: {_said(guards)}.", kept)


def _is_settled(one: Finding) -> bool:
    is_enough = min(one.candidate_runs, one.live_runs) >= one.metric.runs_min
    return is_enough and (one.is_no_worse or one.verdict in ("better", "same"))


def _said(findings: Sequence[Finding]) -> str:
    return "; ".join(one.sentence for one in findings) or "nothing was compared"


def _check(findings: Sequence[Finding]) -> None:
    names = [one.metric.name for one in findings]
    if len(set(names)) != len(names):
        raise ValueError(f"Each metric is judged once: {', '.join(names)}.")
    if sum(one.metric.alpha for one in findings) > FALSE_ROLLBACK_MAX * (1 + 1e-9):
        raise ValueError("The weights of the metrics sum to more than one, so more than is promised would be wrong.")
