"""A run of an evaluation is over: it is scored, and the next one is started or the evaluation ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.evaluations.actions.cancel import end
from signoff.evaluations.judges import ask_judges, is_judge, judgement_in, marks_in
from signoff.evaluations.pinning import evaluators_in
from signoff.evaluations.pots import SPENT
from signoff.evaluations.progress.finish import finish_if_done
from signoff.evaluations.progress.lanes import ask_for_next, held
from signoff.evaluations.scoring import Call, Observed, score
from signoff.kit import clock
from signoff.kit.dotted import MISSING, value_at
from signoff.kit.faultpoints import faultpoint
from signoff.record.actor import SYSTEM
from signoff.runs.states import is_over
from signoff.tables.evaluations import Evaluation, EvaluationResult, Example
from signoff.tables.runs import Run, Step

_CALLS_MAX = 1_000
# How a run ends that says nothing about its revision: somebody or something ended it from outside.
_SAYS_NOTHING = frozenset((
    "agent_disabled", "workspace_suspended", "engine_fault", "engine_record_lost", "gateway_failed",
))  # fmt: skip


def end_evaluated(session: Session, run_id: str) -> bool:
    """Score a run that is over, once. False when there is nothing to score, or it was done."""
    run = session.get(Run, run_id)
    if run is None or run.evaluation_id is None or not is_over(run.state):
        return False
    evaluation = held(session, run.evaluation_id)
    if evaluation is None:
        return False
    is_judges = is_judge(run)
    result = _judged(session, run) if is_judges else _tried(session, run)
    if result is None:
        return False
    if run.code == SPENT:
        _stop_spent(session, evaluation, result, run)
        return True
    if is_judges:
        if not _take_word(session, evaluation, result, run):
            return True  # Others have still to say something.
    else:
        values = _values(session, evaluation, result, run)
        _set(session, result, run, values)
        if values["state"] == "judging":
            return True
    faultpoint("evaluation-scoring")
    ask_for_next(session, evaluation)
    finish_if_done(session, evaluation)
    return True


def _tried(session: Session, run: Run) -> EvaluationResult | None:
    return session.scalar(
        select(EvaluationResult)
        .where(
            EvaluationResult.evaluation_id == run.evaluation_id,
            EvaluationResult.run_id == run.id,
            EvaluationResult.state == "running",
        )
        .execution_options(populate_existing=True)
    )


def _judged(session: Session, run: Run) -> EvaluationResult | None:
    evaluation_id, example_id, side, _ = (run.input_key or "").split(":")
    found = session.get(EvaluationResult, (evaluation_id, example_id, side), populate_existing=True)
    return found if found is not None and found.state == "judging" else None


def _take_word(session: Session, evaluation: Evaluation, result: EvaluationResult, run: Run) -> bool:
    """Keep what a judge said, and score the example when that was the last. Returns whether it was."""
    judge = (run.input_key or "").rpartition(":")[2]
    said = judgement_in(run)
    judged = {**result.judged, judge: {"run": run.id, "score": said.score, "reason": said.reason}}
    values: dict[str, Any] = {"judged": judged}
    is_last = not any(_is_open(one) for one in judged.values())
    if is_last:
        tried = session.get_one(Run, result.run_id)
        values |= _scored(session, evaluation, result, tried, judged)
    _update(session, result, "judging", values)
    return is_last


def _is_open(said: Mapping[str, Any]) -> bool:
    """Return whether a judge is still at it: a reason comes with every word, also with none."""
    return said["reason"] is None


def _values(session: Session, evaluation: Evaluation, result: EvaluationResult, run: Run) -> dict[str, Any]:
    if run.state in ("cancelled", "rejected") or run.code in _SAYS_NOTHING:
        return {"state": "left_out", "reason": run.reason or f"Its run is {run.state}."}
    # What did not complete is worth nothing, whatever somebody would say of it.
    judged = ask_judges(session, evaluation, result, run) if run.state == "completed" else {}
    if any(_is_open(one) for one in judged.values()):
        return {"state": "judging", "judged": judged}
    return _scored(session, evaluation, result, run, judged)


def _scored(
    session: Session, evaluation: Evaluation, result: EvaluationResult, run: Run, judged: Mapping[str, Any]
) -> dict[str, Any]:
    example = session.get_one(Example, result.example_id)
    seen = replace(observed(session, run), judged=marks_in(judged))
    found = score(evaluators_in(evaluation.evaluators), seen, example.expected)
    return {
        "state": "scored", "judged": dict(judged), "score": found.total,
        "scores": [one.as_json() for one in found.parts], "reason": run.reason,
    }  # fmt: skip


def observed(session: Session, run: Run) -> Observed:
    """Return what a run did, as far as it is scored."""
    # What a policy refused was not done, and would not be.
    steps = session.execute(
        select(Step.name, Step.request)
        .where(Step.run_id == run.id, Step.kind == "tool", Step.state != "refused")
        .order_by(Step.seq)
        .limit(_CALLS_MAX)
    )
    calls: list[Call] = []
    for step in steps:
        args = value_at(step.request, "args")
        calls.append(Call(step.name, None if args is MISSING else args))
    return Observed(run.state, run.output, calls, run.cost_usd, seconds_of(run), run.reason)


def seconds_of(run: Run) -> float | None:
    """Return how long a run took; None when it never began."""
    if run.started_at is None or run.ended_at is None:
        return None
    return max((run.ended_at - run.started_at).total_seconds(), 0.0)


def _stop_spent(session: Session, evaluation: Evaluation, result: EvaluationResult, run: Run) -> None:
    words = f"{run.reason or 'Its money is spent.'} So it ended before all examples had run."
    if result.state == "running":
        _set(session, result, run, {"state": "left_out", "reason": run.reason})
    end(session, evaluation.id, "failed", by=SYSTEM, code=SPENT, reason=words)


def _set(session: Session, result: EvaluationResult, run: Run, values: dict[str, Any]) -> None:
    known = {
        "outcome": run.state, "output": run.output, "cost_usd": run.cost_usd, "seconds": seconds_of(run),
    }  # fmt: skip
    _update(session, result, "running", {**known, **values})


def _update(session: Session, result: EvaluationResult, before: str, values: dict[str, Any]) -> None:
    session.execute(
        update(EvaluationResult)
        .where(
            EvaluationResult.evaluation_id == result.evaluation_id,
            EvaluationResult.example_id == result.example_id,
            EvaluationResult.side == result.side,
            EvaluationResult.state == before,
        )
        .values(ended_at=clock.now(), **values)
        .execution_options(synchronize_session=False)
    )
