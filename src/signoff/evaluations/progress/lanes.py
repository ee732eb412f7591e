"""The next examples of an evaluation: a few runs at a time, so that real work is not kept waiting."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.evaluations.actions.cancel import end
from signoff.evaluations.progress.finish import finish_if_done
from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.kit.faultpoints import faultpoint
from signoff.record import outbox
from signoff.record.actor import SYSTEM
from signoff.runs.actions.evaluated import EvaluatedRun, request_evaluated
from signoff.tables.agents import Agent
from signoff.tables.evaluations import Evaluation, EvaluationResult, Example

# Starts one run of an evaluation. Real work is taken first; see `engine/claims.py`.
NEXT = "evaluation.next"
# Runs of one evaluation at a time.
LANES = 4


def ask_for_next(session: Session, evaluation: Evaluation, number: int = 1) -> None:
    """Leave the messages that start further runs."""
    for _ in range(number):
        outbox.send(session, workspace_id=evaluation.workspace_id, kind=NEXT, payload={"evaluation": evaluation.id})


def held(session: Session, evaluation_id: str) -> Evaluation | None:
    """Return an evaluation that is under way, with its lock; None when it is not, or there is none."""
    found = session.scalar(
        select(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found if found is not None and found.state == "running" else None


def start_next(session: Session, evaluation_id: str) -> str | None:
    """Start the run of the next example, if there is one and a lane is free. Returns its id."""
    evaluation = held(session, evaluation_id)
    if evaluation is None or _at_work(session, evaluation_id) >= LANES:
        return None
    agent = session.get_one(Agent, evaluation.agent_id)
    if agent.state != "active":
        words = f"The agent is {agent.state}: nothing of it runs."
        end(session, evaluation.id, "failed", by=SYSTEM, code="agent_disabled", reason=words)
        return None
    while (result := _pending(session, evaluation_id)) is not None:
        run_id = _start(session, evaluation, result)
        if run_id is not None:
            faultpoint("evaluation-starting")
            return run_id
    finish_if_done(session, evaluation)
    return None


def _at_work(session: Session, evaluation_id: str) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(EvaluationResult)
            .where(EvaluationResult.evaluation_id == evaluation_id, EvaluationResult.state.in_(("running", "judging")))
        )
        or 0
    )


def _pending(session: Session, evaluation_id: str) -> EvaluationResult | None:
    # Both sides of an example after each other: they meet the same world.
    return session.scalar(
        select(EvaluationResult)
        .where(EvaluationResult.evaluation_id == evaluation_id, EvaluationResult.state == "pending")
        .order_by(EvaluationResult.example_id, EvaluationResult.side)
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _start(session: Session, evaluation: Evaluation, result: EvaluationResult) -> str | None:
    example = session.get_one(Example, result.example_id)
    revision_id = evaluation.revision_id if result.side == "candidate" else evaluation.baseline_revision_id
    wanted = EvaluatedRun(
        evaluation_id=evaluation.id, key=f"{evaluation.id}:{example.id}:{result.side}",
        environment_id=evaluation.environment_id, revision_id=revision_id or "", title=example.title,
        input=example.input, requested_by=evaluation.requested_by, requested_by_name=evaluation.requested_by_name,
        requested_with=evaluation.requested_with, like=example.from_run_id,
    )  # fmt: skip
    try:
        run_id = request_evaluated(session, wanted)
    except Malformed as refusal:
        # A revision that does not take the input does nothing with it: that is worth nothing, and needs no run.
        _set(session, result, state="scored", outcome="refused", score=0.0, reason=refusal.detail, ended_at=clock.now())
        return None
    _set(session, result, state="running", run_id=run_id)
    return run_id


def _set(session: Session, result: EvaluationResult, **values: object) -> None:
    session.execute(
        update(EvaluationResult)
        .where(
            EvaluationResult.evaluation_id == result.evaluation_id,
            EvaluationResult.example_id == result.example_id,
            EvaluationResult.side == result.side,
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )
