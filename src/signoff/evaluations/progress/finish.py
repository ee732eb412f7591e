"""The end of an evaluation: what both sides came to, and whether the revision may ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.evaluations.actions.cancel import end
from signoff.evaluations.alarms import tell_drop
from signoff.evaluations.states import RESULT_ENDS
from signoff.evaluations.verdict import Pair, decide
from signoff.kit.faultpoints import faultpoint
from signoff.record.actor import SYSTEM
from signoff.tables.evaluations import Evaluation, EvaluationResult, Example


@dataclass(frozen=True, slots=True)
class _Row:
    """What one side came to on one example."""

    example_id: str
    is_critical: bool
    side: str
    state: str
    score: float | None
    scores: list[Any]
    cost_usd: Decimal
    seconds: float | None
    reason: str | None


def finish_if_done(session: Session, evaluation: Evaluation) -> bool:
    """End an evaluation when nothing more will be heard of any example. Its lock is held."""
    left = session.scalar(
        select(func.count())
        .select_from(EvaluationResult)
        .where(EvaluationResult.evaluation_id == evaluation.id, EvaluationResult.state.not_in(RESULT_ENDS))
    )
    if left:
        return False
    rows = _rows(session, evaluation.id)
    mine = [row for row in rows if row.side == "candidate"]
    other = [row for row in rows if row.side == "baseline"]
    if all(row.score is None for row in mine):
        first = next((row.reason for row in mine if row.reason), None)
        words = f"No example could be run{f': {first}' if first else '.'}"
        return end(session, evaluation.id, "failed", by=SYSTEM, code="nothing_ran", reason=words)
    beside = {row.example_id: row.score for row in other}
    pairs = [Pair(row.example_id, row.is_critical, row.score, beside.get(row.example_id)) for row in mine]
    found = decide(pairs, tolerance=evaluation.tolerance)
    ended = end(
        session, evaluation.id, "completed", by=SYSTEM, score=found.score, baseline_score=found.baseline_score,
        critical_lost=list(found.critical_lost), verdict=found.verdict, reasons=list(found.reasons),
        warnings=list(found.warnings), cost_usd=_cost(mine), baseline_cost_usd=_cost(other),
        p50_seconds=_p50(mine), baseline_p50_seconds=_p50(other),
        summary={
            "better": found.better, "same": found.same, "worse": found.worse, "candidate": _spread(mine),
            "baseline": _spread(other) if other else None,
        },
    )  # fmt: skip
    if ended:
        tell_drop(session, evaluation, found)
        faultpoint("evaluation-ending")
    return ended


def _rows(session: Session, evaluation_id: str) -> list[_Row]:
    rows = session.execute(
        select(
            EvaluationResult.example_id, Example.is_critical, EvaluationResult.side, EvaluationResult.state,
            EvaluationResult.score, EvaluationResult.scores, EvaluationResult.cost_usd, EvaluationResult.seconds,
            EvaluationResult.reason,
        )
        .join(Example, Example.id == EvaluationResult.example_id)
        .where(EvaluationResult.evaluation_id == evaluation_id)
        .order_by(EvaluationResult.example_id)
    )  # fmt: skip
    return [_Row(*row) for row in rows]


def _cost(rows: Sequence[_Row]) -> Decimal:
    return sum((row.cost_usd for row in rows), Decimal(0))


def _p50(rows: Sequence[_Row]) -> float | None:
    known = [row.seconds for row in rows if row.seconds is not None]
    return median(known) if known else None


def _spread(rows: Sequence[_Row]) -> dict[str, Any]:
    """Return how the scores of one side are spread, and the mean of each evaluator."""
    scores = [row.score for row in rows if row.score is not None]
    tenths = [0] * 10
    for one in scores:
        tenths[min(int(one * 10), 9)] += 1
    said: dict[str, list[float]] = {}
    for row in rows:
        for part in row.scores:
            marks = said.setdefault(part["name"], [])
            if part["score"] is not None:
                marks.append(part["score"])
    means = {name: sum(marks) / len(marks) if marks else None for name, marks in said.items()}
    left_out = sum(row.state == "left_out" for row in rows)
    return {"scored": len(scores), "left_out": left_out, "tenths": tenths, "means": means}
