"""Calling an evaluation off, with its runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.evaluations.lookup import evaluation_for
from signoff.evaluations.states import EvaluationState, sources_of
from signoff.kit import clock
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.runs.actions.cancel import call_off_one
from signoff.runs.states import is_over as is_run_over
from signoff.tables.evaluations import Evaluation, EvaluationResult
from signoff.tables.runs import Run

_RUNS_MAX = 100


def cancel_evaluation(session: Session, principal: Principal, evaluation_id: str) -> None:
    """Call an evaluation off. What it has measured stays to be read; it says nothing of the revision.

    Raises:
        NotFound, NotAllowed: there is none of that id, or the caller may not evaluate its agent.
        NotNow: it is over.
    """
    row, _ = evaluation_for(session, principal, evaluation_id, "evaluation.run")
    words = f"{principal.name} called it off."
    if not end(session, row.id, "cancelled", by=principal.actor, code="cancelled", reason=words):
        session.refresh(row)
        raise NotNow(
            f"This evaluation has ended already: it is {row.state}.", code="evaluation_over", extra={"state": row.state}
        )


def end(
    session: Session, evaluation_id: str, after: EvaluationState, *, by: Actor, code: str | None = None,
    reason: str | None = None, **values: Any,
) -> bool:  # fmt: skip
    """End an evaluation, whoever says so, with what of it is under way. False when it was over: nothing changed."""
    ended = session.execute(
        update(Evaluation)
        .where(Evaluation.id == evaluation_id, Evaluation.state.in_(sources_of(after)))
        .values(state=after, code=code, reason=reason, ended_at=clock.now(), ended_by_name=by.name, **values)
        .returning(Evaluation.workspace_id, Evaluation.revision_id, Evaluation.dataset_id)
        .execution_options(synchronize_session=False)
    ).first()
    if ended is None:
        return False
    # First the runs: which they are is said by what is under way.
    _call_off_runs(session, evaluation_id, by, code or "evaluation_over", reason or f"Its evaluation is {after}.")
    _leave_out(session, evaluation_id, reason or f"The evaluation is {after}.")
    audit.write(
        session, workspace_id=ended.workspace_id, actor=by, action=f"evaluation.{after}", object_kind="evaluation",
        object_id=evaluation_id, revision_id=ended.revision_id,
        detail={"dataset": ended.dataset_id, **({"code": code} if code else {}), **_told(values)},
    )  # fmt: skip
    return True


def _leave_out(session: Session, evaluation_id: str, reason: str) -> None:
    session.execute(
        update(EvaluationResult)
        .where(
            EvaluationResult.evaluation_id == evaluation_id,
            EvaluationResult.state.in_(("pending", "running", "judging")),
        )
        .values(state="left_out", reason=reason, ended_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def _call_off_runs(session: Session, evaluation_id: str, by: Actor, code: str, reason: str) -> None:
    # Of these there are only a few at a time.
    under_way = session.execute(
        select(EvaluationResult.run_id, EvaluationResult.judged)
        .where(EvaluationResult.evaluation_id == evaluation_id, EvaluationResult.state.in_(("running", "judging")))
        .limit(_RUNS_MAX)
    ).all()
    found = {row.run_id for row in under_way} | {said["run"] for row in under_way for said in row.judged.values()}
    wanted = [one for one in found if one is not None]
    runs = session.scalars(select(Run).where(Run.id.in_(wanted)).order_by(Run.id)).all()
    for run in runs:
        if not is_run_over(run.state):
            call_off_one(session, run, by=by, code=code, reason=reason)


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in ("verdict", "score", "baseline_score") if name in values}
