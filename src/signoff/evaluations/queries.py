"""Reads about datasets, their examples, and evaluators."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.evaluations.limits import CAP_USD, DATASETS_MAX, EVALUATORS_MAX
from signoff.evaluations.lookup import dataset_for
from signoff.evaluations.states import Split
from signoff.evaluations.views import DatasetFacts, EvaluatorFacts, ExampleFacts, ScheduleFacts
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page
from signoff.people.access import Principal
from signoff.tables.agents import Agent
from signoff.tables.evaluations import Dataset, Evaluator, Example
from signoff.tables.keyset import oldest_first
from signoff.tables.people import Environment


def datasets_of(session: Session, viewer: Principal, agent: str, *, with_archived: bool = False) -> list[DatasetFacts]:
    """Return the datasets of an agent, golden ones first, then the oldest; at most 50 and those that were archived.

    Raises:
        NotFound, NotAllowed: there is no such agent here, or the viewer may not read it.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    wanted = _datasets().where(Dataset.agent_id == row.id)
    if not with_archived:
        wanted = wanted.where(Dataset.archived_at.is_(None))
    wanted = wanted.order_by(Dataset.archived_at.is_not(None), Dataset.is_golden.desc(), Dataset.id)
    return _facts(session, wanted.limit(2 * DATASETS_MAX))


def dataset(session: Session, viewer: Principal, dataset_id: str) -> DatasetFacts:
    """Return one dataset.

    Raises:
        NotFound, NotAllowed: there is none of that id here, or the viewer may not read its agent.
    """
    row, _ = dataset_for(session, viewer, dataset_id, "agent.read")
    return _facts(session, _datasets().where(Dataset.id == row.id))[0]


def examples_page(
    session: Session,
    viewer: Principal,
    dataset_id: str,
    *,
    version: int | None = None,
    is_critical: bool | None = None,
    split: Split | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[ExampleFacts]:
    """Return one page of the examples of a dataset, the oldest first: as they are, or as they were in a version.

    Raises:
        NotFound: there is no such dataset here, or it had no such version yet.
        NotAllowed: the viewer may not read the agent's runs: examples hold what was asked and answered.
        Malformed: the cursor is not one of this list.
    """
    row, _ = dataset_for(session, viewer, dataset_id, "run.read")
    if version is not None and not 0 <= version <= row.version:
        raise NotFound(f"The dataset has no version {version}. Its newest is {row.version}.")
    wanted = select(Example).where(Example.dataset_id == row.id, *present_in(version))
    if is_critical is not None:
        wanted = wanted.where(Example.is_critical.is_(is_critical))
    if split is not None:
        wanted = wanted.where(Example.split == split)
    page = oldest_first(session, wanted, Example.id, cursor=cursor, size=size)
    return Page([_example(found[0]) for found in page.rows], page.next_cursor, page.previous_cursor)


def example(session: Session, viewer: Principal, dataset_id: str, example_id: str) -> ExampleFacts:
    """Return one example, also one that was taken out.

    Raises:
        NotFound, NotAllowed: as `examples_page`; or the dataset never had it.
    """
    row, _ = dataset_for(session, viewer, dataset_id, "run.read")
    found = session.scalar(select(Example).where(Example.id == example_id, Example.dataset_id == row.id))
    if found is None:
        raise NotFound("There is no such example in this dataset.")
    return _example(found)


def evaluators_of(session: Session, viewer: Principal, agent: str) -> list[EvaluatorFacts]:
    """Return how an agent's answers are scored, the oldest evaluator first; at most 20.

    None at all: the output has to equal what is expected; where nothing is, the run has to complete.

    Raises:
        NotFound, NotAllowed: there is no such agent here, or the viewer may not read it.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    rows = session.scalars(
        select(Evaluator).where(Evaluator.agent_id == row.id).order_by(Evaluator.id).limit(EVALUATORS_MAX)
    ).all()
    whole = sum(Decimal(str(each.weight)) for each in rows if each.is_enabled)
    return [_evaluator(each, whole) for each in rows]


def present_in(version: int | None) -> list[Any]:
    """Return what bounds examples to those of a version of their dataset; None: to those that are there now."""
    if version is None:
        return [Example.removed_in.is_(None)]
    return [Example.added_in <= version, (Example.removed_in.is_(None)) | (Example.removed_in > version)]


def _datasets() -> Select[*tuple[Any, ...]]:
    here = and_(Example.dataset_id == Dataset.id, Example.removed_in.is_(None))
    count = select(func.count()).select_from(Example)
    return (
        select(
            Dataset,
            Agent.slug.label("agent_slug"),
            Environment.slug.label("environment"),
            count.where(here).scalar_subquery().label("examples"),
            count.where(here, Example.is_critical.is_(True)).scalar_subquery().label("critical"),
            count.where(here, Example.split == "holdout").scalar_subquery().label("holdout"),
        )
        .join(Agent, Agent.id == Dataset.agent_id)
        .outerjoin(Environment, Environment.id == Dataset.scheduled_in)
    )


def _facts(session: Session, wanted: Select[*tuple[Any, ...]]) -> list[DatasetFacts]:
    return [
        DatasetFacts(
            id=row.Dataset.id, agent_id=row.Dataset.agent_id, agent_slug=row.agent_slug, slug=row.Dataset.slug,
            name=row.Dataset.name, description=row.Dataset.description, is_golden=row.Dataset.is_golden,
            version=row.Dataset.version, examples=row.examples, critical=row.critical, holdout=row.holdout,
            tolerance=row.Dataset.tolerance, schedule=_schedule(row.Dataset, row.environment),
            made_by_name=row.Dataset.made_by_name, made_at=row.Dataset.made_at, archived_at=row.Dataset.archived_at,
        )
        for row in session.execute(wanted.execution_options(populate_existing=True))
    ]  # fmt: skip


def _schedule(row: Dataset, environment: str | None) -> ScheduleFacts | None:
    if environment is None or not (row.every or row.is_of_each_revision):
        return None
    every: Any = row.every
    return ScheduleFacts(
        every=every, at_hour=row.at_hour, is_of_each_revision=row.is_of_each_revision, environment=environment,
        cap_usd=row.scheduled_usd or CAP_USD, next_at=row.next_at, set_by_name=row.scheduled_by_name or "",
    )  # fmt: skip


def _example(row: Example) -> ExampleFacts:
    names = ExampleFacts.__slots__
    return ExampleFacts(**{name: getattr(row, name) for name in names})


def _evaluator(row: Evaluator, whole: Decimal | int) -> EvaluatorFacts:
    weight = Decimal(str(row.weight))
    return EvaluatorFacts(
        id=row.id, name=row.name, kind=row.kind, settings=row.settings, weight=weight,
        share=float(weight / whole) if row.is_enabled and whole else 0.0, is_enabled=row.is_enabled,
        made_by_name=row.made_by_name, made_at=row.made_at,
    )  # fmt: skip
