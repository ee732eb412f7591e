"""How datasets, examples, evaluators and evaluations are found: inside the caller's workspace, with the right to it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.tables.agents import Agent
from signoff.tables.evaluations import Dataset, Evaluation, Evaluator, Example
from signoff.tables.people import Environment


def dataset_for(
    session: Session, principal: Principal, dataset_id: str, action: Action, *, lock: bool = False
) -> tuple[Dataset, Agent]:
    """Return a dataset and its agent. `lock` makes other writers of it wait.

    Raises:
        NotFound: there is none of that id here.
        NotAllowed: the caller may not do `action` to its agent.
        NotNow: it is to be changed, and was archived.
    """
    wanted = select(Dataset).where(Dataset.id == dataset_id, Dataset.workspace_id == principal.workspace_id)
    row, agent = _found(session, principal, wanted, lock, action, "dataset")
    if lock and row.archived_at is not None:
        raise NotNow("The dataset is archived. Bring it back first.", code="dataset_archived")
    return row, agent


def evaluator_for(
    session: Session, principal: Principal, evaluator_id: str, action: Action, *, lock: bool = False
) -> tuple[Evaluator, Agent]:
    """Return an evaluator and its agent; raises as `dataset_for`."""
    wanted = select(Evaluator).where(Evaluator.id == evaluator_id, Evaluator.workspace_id == principal.workspace_id)
    return _found(session, principal, wanted, lock, action, "evaluator")


def evaluation_for(
    session: Session, principal: Principal, evaluation_id: str, action: Action, *, lock: bool = False
) -> tuple[Evaluation, Agent]:
    """Return an evaluation and its agent; raises as `dataset_for`."""
    wanted = select(Evaluation).where(Evaluation.id == evaluation_id, Evaluation.workspace_id == principal.workspace_id)
    if principal.environment_id:
        wanted = wanted.where(Evaluation.environment_id == principal.environment_id)
    return _found(session, principal, wanted, lock, action, "evaluation")


def example_of(session: Session, dataset: Dataset, example_id: str) -> Example:
    """Return an example that is in a dataset now.

    Raises:
        NotFound: it is not, or no more.
    """
    found = session.scalar(
        select(Example).where(Example.id == example_id, Example.dataset_id == dataset.id, Example.removed_in.is_(None))
    )
    if found is None:
        raise NotFound("There is no such example in this dataset now.")
    return found


def environment_for(session: Session, principal: Principal, slug: str) -> Environment:
    """Return an environment by slug or id.

    Raises:
        NotFound: there is none here, or it is outside the key's own.
    """
    found = session.scalar(
        select(Environment).where(
            Environment.workspace_id == principal.workspace_id, (Environment.slug == slug) | (Environment.id == slug)
        )
    )
    if found is None or (principal.environment_id and principal.environment_id != found.id):
        raise NotFound("There is no such environment here. A workspace starts with staging and production.")
    return found


def _found(session: Session, principal: Principal, wanted: Any, lock: bool, action: Action, word: str) -> Any:
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(wanted)
    if row is None:
        raise NotFound(f"There is no such {word} in this workspace.")
    agent = session.get_one(Agent, row.agent_id)
    authorize(
        principal, action, workspace_id=row.workspace_id, owners=(agent.owner_id, agent.backup_id), agent_id=agent.id
    )
    return row, agent
