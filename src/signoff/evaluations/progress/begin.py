"""The beginning of an evaluation: a row for each example and side; what is known of the baseline is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from signoff.evaluations.progress.lanes import LANES, ask_for_next
from signoff.evaluations.queries import present_in
from signoff.evaluations.states import Side
from signoff.kit import clock
from signoff.kit.faultpoints import faultpoint
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.tables.evaluations import Evaluation, EvaluationResult, Example

# So long the results of a revision that serves hold, where neither examples nor evaluators changed.
KEPT_DAYS = 7
_TAKEN = (
    "run_id", "outcome", "output", "reason", "score", "scores", "judged", "cost_usd", "seconds", "ended_at",
)  # fmt: skip


def begin_evaluation(session: Session, evaluation_id: str) -> bool:
    """Begin an evaluation that was asked for. False when it has begun, or was called off."""
    begun = session.execute(
        update(Evaluation)
        .where(Evaluation.id == evaluation_id, Evaluation.state == "pending")
        .values(state="running", started_at=clock.now())
        .returning(Evaluation.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(begun) != 1:
        return False
    row = session.get_one(Evaluation, evaluation_id, populate_existing=True)
    examples = session.scalars(
        select(Example.id).where(Example.dataset_id == row.dataset_id, *present_in(row.dataset_version))
    ).all()
    _add(session, row, examples, "candidate")
    # What is known is taken over; what is not is run, unless what serves is what is measured.
    known = _take_over(session, row, examples)
    if row.baseline_revision_id is not None and row.baseline_revision_id != row.revision_id:
        _add(session, row, [one for one in examples if one not in known], "baseline")
    ask_for_next(session, row, LANES)
    audit.write(
        session, workspace_id=row.workspace_id, actor=SYSTEM, action="evaluation.begun", object_kind="evaluation",
        object_id=row.id, revision_id=row.revision_id,
        detail={"examples": len(examples), **({"baseline_from": row.baseline_from} if row.baseline_from else {})},
    )  # fmt: skip
    faultpoint("evaluation-beginning")
    return True


def _add(session: Session, row: Evaluation, examples: Sequence[str], side: Side) -> None:
    if examples:
        session.execute(
            insert(EvaluationResult),
            [
                {"evaluation_id": row.id, "example_id": one, "side": side, "workspace_id": row.workspace_id,
                 "state": "pending", "output": None, "scores": [], "judged": {}, "cost_usd": 0}
                for one in examples
            ],
        )  # fmt: skip


def _take_over(session: Session, row: Evaluation, examples: Sequence[str]) -> set[str]:
    """Take over what another evaluation measured of the baseline; return the examples of which it is known."""
    if row.baseline_revision_id is None:
        return set()
    found = _first_of_itself(session, row) if row.baseline_revision_id == row.revision_id else _fresh(session, row)
    if found is None:
        return set()
    other, side = found
    kept = session.scalars(
        select(EvaluationResult).where(
            EvaluationResult.evaluation_id == other,
            EvaluationResult.side == side,
            EvaluationResult.state == "scored",
            EvaluationResult.example_id.in_(examples),
        )
    ).all()
    if not kept:
        return set()
    session.execute(
        insert(EvaluationResult),
        [
            {"evaluation_id": row.id, "example_id": one.example_id, "side": "baseline", "state": "scored",
             "workspace_id": row.workspace_id, **{name: getattr(one, name) for name in _TAKEN}}
            for one in kept
        ],
    )  # fmt: skip
    row.baseline_from = other
    session.flush()
    return {one.example_id for one in kept}


def _like(row: Evaluation) -> list[Any]:
    return [
        Evaluation.workspace_id == row.workspace_id,
        Evaluation.dataset_id == row.dataset_id,
        Evaluation.environment_id == row.environment_id,
        Evaluation.evaluators_hash == row.evaluators_hash,
        Evaluation.state == "completed",
        Evaluation.id != row.id,
    ]


def _fresh(session: Session, row: Evaluation) -> tuple[str, Side] | None:
    """Return a young evaluation of the same examples that measured the baseline, and as which side."""
    of_it, beside = (
        Evaluation.revision_id == row.baseline_revision_id,
        and_(
            Evaluation.baseline_revision_id == row.baseline_revision_id,
            Evaluation.revision_id != Evaluation.baseline_revision_id,
            # Taken over once, and not again: it would never become old.
            Evaluation.baseline_from.is_(None),
        ),
    )
    found = session.execute(
        select(Evaluation.id, Evaluation.revision_id)
        .where(
            *_like(row),
            Evaluation.dataset_version == row.dataset_version,
            Evaluation.ended_at >= clock.now() - timedelta(days=KEPT_DAYS),
            or_(of_it, beside),
        )
        .order_by(Evaluation.id.desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    return found.id, "candidate" if found.revision_id == row.baseline_revision_id else "baseline"


def _first_of_itself(session: Session, row: Evaluation) -> tuple[str, Side] | None:
    """Return the first evaluation of what serves: what it does now is compared with that, so that a drop in many small
    steps is seen as well."""
    first = session.scalar(
        select(func.min(Evaluation.id)).where(*_like(row), Evaluation.revision_id == row.revision_id)
    )
    return (first, "candidate") if first is not None else None
