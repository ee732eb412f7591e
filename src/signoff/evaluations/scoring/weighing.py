"""All evaluators of a run together: each one's score, and their mean by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from signoff.evaluations.scoring.evaluator import Evaluator, EvaluatorKind, read_settings
from signoff.evaluations.scoring.kinds.equals import Equals
from signoff.evaluations.scoring.kinds.judge import UNJUDGED
from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.kit.text import shortened, storable

REASON_CHARS = 500


@dataclass(frozen=True, slots=True)
class Score:
    """What one evaluator said.

    Args:
        evaluator_id: empty for the one that stands in where an agent has none.
        share: its part of the mean, the shares of all that had something to say sum to one.
        score: from 0 to 1; None: it had nothing to say of this example, and does not count.
    """

    evaluator_id: str
    name: str
    kind: EvaluatorKind | str
    share: float
    score: float | None
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "evaluator": self.evaluator_id, "name": self.name, "kind": self.kind, "share": self.share,
            "score": self.score, "reason": self.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scores:
    """The mean of a run, from 0 to 1, and what it is the mean of."""

    total: float
    parts: tuple[Score, ...]


def score(evaluators: Sequence[Evaluator], observed: Observed, expected: Any) -> Scores:
    """Return what a run is worth on an example.

    A run that did not complete is worth nothing, whatever it cost. Where no evaluator has anything to say, the output
    is compared with what is expected; where nothing is, it counts that the run completed.

    Args:
        expected: what the example expects; None: nothing in particular.
    """
    if not observed.is_completed:
        why = f"The run is {observed.state}: {observed.reason}" if observed.reason else f"The run is {observed.state}."
        marks = [Mark(0.0, why) for _ in evaluators]
        return _weighed(evaluators, marks) if evaluators else _alone("completed", Mark(0.0, why))
    marks = [_mark(one, observed, expected) for one in evaluators]
    found = _weighed(evaluators, marks)
    if any(mark.score is not None for mark in marks):
        return found
    instead = _default(observed, expected)
    return Scores(instead.total, (*found.parts, *instead.parts))


def _mark(evaluator: Evaluator, observed: Observed, expected: Any) -> Mark:
    if evaluator.kind == "judge":
        mark = observed.judged.get(evaluator.id, Mark(None, UNJUDGED))
    else:
        mark = read_settings(evaluator.kind, evaluator.settings).mark(observed, expected)
    # A judge's number is text from a model: it stays between 0 and 1, and what is no number says nothing.
    bounded = None if mark.score is None or mark.score != mark.score else min(max(mark.score, 0.0), 1.0)
    return Mark(bounded, mark.reason)


def _weighed(evaluators: Sequence[Evaluator], marks: Sequence[Mark]) -> Scores:
    """Return the mean by weight, in fractions: only ratios of weights count, to the last digit."""
    weights = [
        Fraction(one.weight) if mark.score is not None else Fraction()
        for one, mark in zip(evaluators, marks, strict=True)
    ]
    whole = sum(weights, Fraction())
    shares = [weight / whole if whole else Fraction() for weight in weights]
    total = sum((Fraction(mark.score or 0.0) * share for mark, share in zip(marks, shares, strict=True)), Fraction())
    return Scores(
        float(total),
        tuple(
            Score(one.id, one.name, one.kind, float(share), mark.score, _said(mark))
            for one, mark, share in zip(evaluators, marks, shares, strict=True)
        ),
    )


def _default(observed: Observed, expected: Any) -> Scores:
    if expected is None:
        return _alone("completed", Mark(1.0, "The run completed; the example expects nothing more."))
    return _alone("equals", Equals().mark(observed, expected))


def _alone(kind: str, mark: Mark) -> Scores:
    return Scores(mark.score or 0.0, (Score("", kind, kind, 1.0, mark.score, _said(mark)),))


def _said(mark: Mark) -> str:
    return shortened(storable(mark.reason), REASON_CHARS)
