"""Told of what serves: that it does worse than it did, although nothing was released."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.evaluations.verdict import Verdict
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.tables.agents import Agent
from signoff.tables.evaluations import Dataset, Evaluation
from signoff.tables.people import Environment

DROP = "evaluation_drop"
NOT_RUN = "evaluation_not_run"


def tell_drop(session: Session, evaluation: Evaluation, found: Verdict) -> None:
    """Raise an alert when what serves, measured again, does worse than at first; resolve it when it does not."""
    if evaluation.revision_id != evaluation.baseline_revision_id or found.baseline_score is None:
        return
    key = f"{DROP}:{evaluation.dataset_id}:{evaluation.environment_id}"
    if found.verdict == "promotable":
        ask_to_resolve(session, evaluation.workspace_id, key=key)
        return
    agent, dataset = session.get_one(Agent, evaluation.agent_id), session.get_one(Dataset, evaluation.dataset_id)
    place = session.get_one(Environment, evaluation.environment_id)
    ask_for_alert(
        session, evaluation.workspace_id, key=key, kind=DROP, agent_id=agent.id,
        text=f"What serves {place.name} of {agent.name} does worse on {dataset.name} than it did, and nothing was "
        f"released: {found.reasons[0]}",
        detail={"evaluation": evaluation.id, "score": found.score, "before": found.baseline_score},
    )  # fmt: skip


def tell_not_run(session: Session, dataset: Dataset, agent: Agent, why: str) -> None:
    """Raise an alert: a dataset was to be evaluated by itself, and could not be."""
    ask_for_alert(
        session, dataset.workspace_id, key=f"{NOT_RUN}:{dataset.id}", kind=NOT_RUN, agent_id=agent.id,
        text=f"{dataset.name} of {agent.name} was to be evaluated by itself, and was not: {why}",
        detail={"dataset": dataset.id},
    )  # fmt: skip


def resolve_not_run(session: Session, dataset: Dataset) -> None:
    """Resolve that alert: it was evaluated, or is to be otherwise."""
    ask_to_resolve(session, dataset.workspace_id, key=f"{NOT_RUN}:{dataset.id}")
