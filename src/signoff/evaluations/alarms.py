"""Told of what serves: that it does worse than it did, although nothing was released."""

from __future__ import annotations

from sqlalchemy.orm import Session

from signoff.evaluations.verdict import Verdict
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.tables.agents import Agent
from signoff.tables.evaluations import Dataset, Evaluation
from signoff.tables.people import Environment

DROP = "evaluation_drop"


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
