"""Whether a revision may ship, from its scores beside those of what serves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["better", "same", "worse"]
Promotable = Literal["promotable", "not_promotable"]

# From here on a critical example is passed.
PASS = 0.5
# Scores of the same answer differ by less than this, from run to run: its cost, its duration.
HAIR = 0.01
# Means of fewer examples than this move with one of them.
FEW_EXAMPLES = 20
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Pair:
    """One example and what each side scored on it; None: that side was not measured on it."""

    example_id: str
    is_critical: bool
    candidate: float | None
    baseline: float | None

    @property
    def outcome(self) -> Outcome | None:
        """Return how the candidate did beside what serves; None where one of them was not measured."""
        return outcome_of(self.candidate, self.baseline)

    @property
    def is_lost(self) -> bool:
        """Return whether it is critical, and the candidate fails it or does worse than what serves."""
        if not self.is_critical or self.candidate is None:
            return False
        if self.baseline is None:
            return self.candidate < PASS
        return self.outcome == "worse" or (self.baseline >= PASS > self.candidate)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluation came to.

    Args:
        reasons: why it is not promotable, or why it is; the first is the weightiest.
        warnings: what to keep in mind; none of it decides.
        score, baseline_score: means over the examples that both sides were measured on; without a baseline, over those
            of the candidate. None: nothing was measured.
        critical_lost: the ids of critical examples that were lost.
        unmeasured: how many examples the candidate was not measured on.
    """

    verdict: Promotable
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    score: float | None
    baseline_score: float | None
    better: int
    same: int
    worse: int
    critical_lost: tuple[str, ...]
    unmeasured: int


def outcome_of(candidate: float | None, baseline: float | None) -> Outcome | None:
    """Return how a score is beside another; a hair's difference is none."""
    if candidate is None or baseline is None:
        return None
    if abs(candidate - baseline) <= HAIR + _ROUNDING:
        return "same"
    return "better" if candidate > baseline else "worse"


def decide(pairs: Sequence[Pair], *, tolerance: float = 0.0) -> Verdict:
    """Return whether a candidate is promotable.

    One critical example that is lost decides, however much better the mean is. So does a mean below that of what
    serves, by more than `tolerance`, and an example that was not measured.
    """
    both = [one for one in pairs if one.candidate is not None and one.baseline is not None]
    measured = both or [one for one in pairs if one.candidate is not None]
    score = _mean([one.candidate for one in measured])
    baseline = _mean([one.baseline for one in both])
    lost = tuple(one.example_id for one in pairs if one.is_lost)
    unmeasured = sum(one.candidate is None for one in pairs)
    against = _against(pairs, lost, unmeasured, score, baseline, tolerance)
    outcomes = [one.outcome for one in both]
    return Verdict(
        verdict="not_promotable" if against else "promotable",
        reasons=tuple(against) or (_for(score, baseline, pairs, tolerance),),
        warnings=tuple(_warnings(pairs, both)),
        score=score,
        baseline_score=baseline,
        better=outcomes.count("better"),
        same=outcomes.count("same"),
        worse=outcomes.count("worse"),
        critical_lost=lost,
        unmeasured=unmeasured,
    )


def _against(
    pairs: Sequence[Pair],
    lost: Sequence[str],
    unmeasured: int,
    score: float | None,
    baseline: float | None,
    tolerance: float,
) -> list[str]:
    if not pairs or score is None:
        return ["No example was measured, so nothing is known."]
    found: list[str] = []
    if lost:
        critical = sum(one.is_critical for one in pairs)
        beside = "fails or does worse than what serves on" if baseline is not None else "fails"
        found.append(f"It {beside} {len(lost)} of {_count(critical, 'critical example')}.")
    if unmeasured:
        found.append(f"{unmeasured} of {_count(len(pairs), 'example')} {_was(unmeasured)} not measured.")
    if baseline is not None and score < baseline - tolerance - _ROUNDING:
        allowed = f", more than the {tolerance:.3g} that is tolerated" if tolerance else ""
        found.append(f"Its mean is {score:.3f}, below the {baseline:.3f} of what serves{allowed}.")
    return found


def _for(score: float | None, baseline: float | None, pairs: Sequence[Pair], tolerance: float) -> str:
    critical = sum(one.is_critical for one in pairs)
    kept = f", and none of {_count(critical, 'critical example')} is lost" if critical else ""
    if baseline is None:
        return f"There is nothing to compare it with yet; its mean is {score or 0:.3f}{kept}."
    if (score or 0) < baseline - _ROUNDING:
        return f"Its mean is {score:.3f} beside {baseline:.3f}, within the {tolerance:.3g} that is tolerated{kept}."
    return f"Its mean is {score:.3f}, what serves has {baseline:.3f}{kept}."


def _warnings(pairs: Sequence[Pair], both: Sequence[Pair]) -> list[str]:
    found: list[str] = []
    if 0 < len(pairs) < FEW_EXAMPLES:
        found.append(
            f"{_count(len(pairs), 'example')} {'is' if len(pairs) == 1 else 'are'} few: below {FEW_EXAMPLES}, one of "
            "them moves the mean. Add more before you lean on it."
        )
    if pairs and not any(one.is_critical for one in pairs):
        found.append("No example is critical: mark those that must never get worse.")
    if both and len(both) < len(pairs):
        found.append(f"Only {len(both)} of {_count(len(pairs), 'example')} were measured on both sides.")
    return found


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [one for one in scores if one is not None]
    return sum(known) / len(known) if known else None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
