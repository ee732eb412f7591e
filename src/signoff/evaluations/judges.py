"""Agents that judge: each answer is put to one revision of an agent of the workspace, which says how good it is.

A judge's run is one of the evaluation like any other: it acts on nothing, and its money is the evaluation's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.retired import refuse_retired
from signoff.agents.revisions import find_revision
from signoff.evaluations.scoring import Mark
from signoff.kit.dotted import parsed
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal, authorize
from signoff.runs.actions.evaluated import EvaluatedRun, request_evaluated
from signoff.tables.agents import Agent, Revision
from signoff.tables.evaluations import Evaluation, EvaluationResult, Example
from signoff.tables.runs import Run

_REASON_CHARS = 500


def check_judges(
    session: Session, principal: Principal, pinned: Sequence[Mapping[str, Any]], environment_id: str
) -> None:
    """Return quietly, or refuse an evaluation whose judges are not there, or are not the caller's to start.

    Raises:
        NotNow: a judge or its revision is not there any more.
        NotAllowed, RevisionRetired: the caller may not start it, or it has retired.
    """
    for one in judges_in(pinned):
        said = one["settings"]
        try:
            agent = agent_for(session, principal, said["agent"], "run.start")
            revision = find_revision(session, agent, said["revision"])
        except NotFound:
            words = f"{one['name']} is judged by revision {said['revision']} of {said['agent']}, which is not there."
            raise NotNow(f"{words} Name another, or switch that evaluator off.", code="judge_missing") from None
        authorize(principal, "run.start", environment_id=environment_id, owners=(principal.id,), agent_id=agent.id)
        refuse_retired(session, agent, revision)


def judges_in(pinned: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return those of an evaluation's evaluators that are agents."""
    return [one for one in pinned if one["kind"] == "judge"]


def ask_judges(session: Session, evaluation: Evaluation, result: EvaluationResult, run: Run) -> dict[str, Any]:
    """Put what a run answered to every judge; return evaluator → `{run, score, reason}`, the run of each under way."""
    example = session.get_one(Example, result.example_id)
    asked: dict[str, Any] = {}
    for one in judges_in(evaluation.evaluators):
        said = one["settings"]
        revision_id = session.scalar(
            select(Revision.id)
            .join(Agent, Agent.id == Revision.agent_id)
            .where(
                Agent.workspace_id == evaluation.workspace_id,
                Agent.slug == said["agent"],
                Revision.number == said["revision"],
            )
        )
        given = {
            "criteria": said.get("criteria", ""), "input": example.input, "expected": example.expected,
            "answer": run.output,
        }  # fmt: skip
        wanted = EvaluatedRun(
            evaluation_id=evaluation.id, key=f"{evaluation.id}:{example.id}:{result.side}:{one['id']}",
            environment_id=evaluation.environment_id, revision_id=revision_id or "",
            title=shortened(f"Judge: {example.title}", 120), input=given, requested_by=evaluation.requested_by,
            requested_by_name=evaluation.requested_by_name, requested_with=evaluation.requested_with,
        )  # fmt: skip
        try:
            asked[one["id"]] = {"run": request_evaluated(session, wanted), "score": None, "reason": None}
        except Malformed as refusal:
            asked[one["id"]] = {
                "run": None,
                "score": None,
                "reason": f"The judge takes no such input: {refusal.detail}",
            }
    return asked


def is_judge(run: Run) -> bool:
    """Return whether a run of an evaluation is a judge's: its key names the evaluator."""
    return (run.input_key or "").count(":") == 3


def judgement_in(run: Run) -> Mark:
    """Return what a judge's run said. It is text from a model: what is no number from 0 to 1 says nothing."""
    if run.state != "completed":
        return Mark(
            None, shortened(f"The judge's run is {run.state}: {run.reason or 'no reason given'}", _REASON_CHARS)
        )
    found = parsed(run.output)
    said = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    score, reason = said.get("score"), said.get("reason")
    if not isinstance(score, int | float) or isinstance(score, bool) or not 0 <= score <= 1:
        return Mark(None, "The judge's answer holds no score from 0 to 1.")
    words = storable(reason).strip() if isinstance(reason, str) else ""
    return Mark(float(score), shortened(words or "The judge gave no reason.", _REASON_CHARS))


def marks_in(judged: Mapping[str, Any]) -> dict[str, Mark]:
    """Return what judges said, by evaluator."""
    return {one: Mark(said["score"], said["reason"] or "") for one, said in judged.items()}
