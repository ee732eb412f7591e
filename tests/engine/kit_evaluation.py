"""An agent with two revisions and a dataset, for evaluations that an engine carries."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from signoff.agents.body import Body
from signoff.evaluations.actions import NewExample, add_examples, create_dataset, request_evaluation
from signoff.evaluations.results import evaluation, results_page
from signoff.evaluations.states import is_over
from signoff.evaluations.views import EvaluationDetail, ResultFacts
from signoff.kit import clock, ids
from signoff.tables.agents import Agent, Revision
from signoff.tables.evaluations import Evaluation
from signoff.tables.session import Store
from tests.engine.kit_engine import House


def second(store: Store, at: House, *, agent_id: str | None = None, **changes: Any) -> str:
    """Freeze a further revision of an agent, the first with `changes`; return its id."""
    agent_id = agent_id or at.agent_id
    with store.write() as session:
        first = session.scalars(select(Revision).where(Revision.agent_id == agent_id, Revision.number == 1)).one()
        number = session.get_one(Agent, agent_id).last_revision + 1
        body = Body.model_validate({**first.body, **changes})
        made = Revision(
            id=ids.new_id("rev"), workspace_id=at.workspace_id, agent_id=agent_id, number=number, hash=body.hash,
            body=body.plain(), author_id="mem_test", author_name="Test", reason="further", created_at=clock.now(),
        )  # fmt: skip
        session.add(made)
        session.execute(update(Agent).where(Agent.id == agent_id).values(last_revision=number))
        session.flush()
        return made.id


def dataset(store: Store, at: House, *expected: Any, agent_id: str | None = None, critical: int = 0) -> str:
    """Make a golden dataset with an example for each answer that is expected; the first `critical` are critical."""
    with store.write() as session:
        made = create_dataset(session, at.who, agent_id or at.agent_id, name="Golden", is_golden=True)
        new = [
            NewExample(f"Question {number}", one, is_critical=number < critical) for number, one in enumerate(expected)
        ]
        add_examples(session, at.who, made, new)
        return made


def ask(
    store: Store, at: House, dataset_id: str, revision: str | int | None, *, agent_id: str | None = None,
    cap_usd: Decimal | None = None, draft: bool = False,
) -> str:  # fmt: skip
    """Ask for an evaluation; return its id."""
    with store.write() as session:
        return request_evaluation(
            session, at.who, agent_id or at.agent_id, dataset_id, revision=revision, cap_usd=cap_usd, draft=draft
        )


def told(store: Store, at: House, evaluation_id: str) -> tuple[EvaluationDetail, list[ResultFacts]]:
    """Return an evaluation and its results."""
    with store.read() as session:
        found = evaluation(session, at.who, evaluation_id)
        return found, list(results_page(session, at.who, evaluation_id, size=200).rows)


def state_of(store: Store, evaluation_id: str) -> str:
    """Return the state of an evaluation."""
    with store.read() as session:
        return session.get_one(Evaluation, evaluation_id).state


async def over(
    store: Store, at: House, evaluation_id: str, *, seconds_max: int = 60
) -> tuple[EvaluationDetail, list[ResultFacts]]:
    """Return an evaluation and its results once it is over; the limit is for a test that would hang."""
    async with asyncio.timeout(seconds_max):
        while not is_over(await store.run(state_of, store, evaluation_id)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return await store.run(told, store, at, evaluation_id)
