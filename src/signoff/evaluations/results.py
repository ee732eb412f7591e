"""Reads about evaluations and what each example came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from signoff.agents.lookup import agent_for
from signoff.evaluations.lookup import evaluation_for
from signoff.evaluations.states import EvaluationState, is_over
from signoff.evaluations.verdict import HAIR, Outcome, outcome_of
from signoff.evaluations.views import EvaluationDetail, EvaluationFacts, ResultFacts, SideResult, Spread
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent, Revision
from signoff.tables.evaluations import Dataset, Evaluation, EvaluationResult, Example
from signoff.tables.keyset import newest_first, oldest_first
from signoff.tables.people import Environment

_candidate = aliased(Revision)
_baseline = aliased(Revision)
_NO_SPREAD = Spread(0, 0, [0] * 10, {})


def evaluations_page(
    session: Session,
    viewer: Principal,
    *,
    agent: str | None = None,
    dataset: str | None = None,
    revision: str | None = None,
    state: EvaluationState | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[EvaluationFacts]:
    """Return one page of evaluations, newest first: of one agent, or of all that the viewer may read.

    Args:
        agent: slug or id. dataset, revision: ids.

    Raises:
        NotFound, NotAllowed: there is no such agent here, or the viewer may read none.
        Malformed: the cursor is not one of this list.
    """
    wanted = _evaluations().where(Evaluation.workspace_id == viewer.workspace_id)
    if agent is not None:
        wanted = wanted.where(Evaluation.agent_id == agent_for(session, viewer, agent, "agent.read").id)
    else:
        authorize(viewer, "agent.read")
        wanted = wanted.where(*visible_agents(viewer))
    if viewer.environment_id:
        wanted = wanted.where(Evaluation.environment_id == viewer.environment_id)
    for column, value in (
        (Evaluation.dataset_id, dataset), (Evaluation.revision_id, revision), (Evaluation.state, state),
    ):  # fmt: skip
        if value is not None:
            wanted = wanted.where(column == value)
    page = newest_first(session, wanted, Evaluation.id, cursor=cursor, size=size)
    return Page(_facts(session, page.rows), page.next_cursor, page.previous_cursor)


def evaluation(session: Session, viewer: Principal, evaluation_id: str) -> EvaluationDetail:
    """Return one evaluation whole, without its examples.

    Raises:
        NotFound, NotAllowed: there is none of that id here, or the viewer may not read its agent.
    """
    row, agent = evaluation_for(session, viewer, evaluation_id, "agent.read")
    facts = _facts(session, session.execute(_evaluations().where(Evaluation.id == row.id)).all())[0]
    summary: Mapping[str, Any] = row.summary
    may = can(
        viewer, "evaluation.run", owners=(agent.owner_id, agent.backup_id), agent_id=agent.id,
        environment_id=row.environment_id,
    )  # fmt: skip
    return EvaluationDetail(
        facts=facts, evaluators=list(row.evaluators), tolerance=row.tolerance,
        candidate=_spread(summary.get("candidate")), baseline=_spread(summary.get("baseline")),
        better=summary.get("better", 0), same=summary.get("same", 0), worse=summary.get("worse", 0),
        can_cancel=may and not is_over(row.state),
    )  # fmt: skip


def results_page(
    session: Session,
    viewer: Principal,
    evaluation_id: str,
    *,
    verdict: Outcome | None = None,
    is_critical: bool | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[ResultFacts]:
    """Return one page of the examples of an evaluation, the oldest first, each with what both sides came to.

    Args:
        verdict: only those on which the candidate did so beside what serves.

    Raises:
        NotFound: there is none of that id here.
        NotAllowed: the viewer may not read the agent's runs: results hold what was answered.
        Malformed: the cursor is not one of this list.
    """
    row, _ = evaluation_for(session, viewer, evaluation_id, "run.read")
    mine, other = aliased(EvaluationResult), aliased(EvaluationResult)
    wanted = (
        select(Example, mine, other)
        .join(mine, (mine.example_id == Example.id) & (mine.evaluation_id == row.id) & (mine.side == "candidate"))
        .outerjoin(
            other, (other.example_id == Example.id) & (other.evaluation_id == row.id) & (other.side == "baseline")
        )
    )
    if is_critical is not None:
        wanted = wanted.where(Example.is_critical.is_(is_critical))
    if verdict is not None:
        by = mine.score - other.score
        wanted = wanted.where({"better": by > HAIR, "worse": by < -HAIR, "same": by.between(-HAIR, HAIR)}[verdict])
    page = oldest_first(session, wanted, Example.id, cursor=cursor, size=size)
    lost = set(row.critical_lost)
    return Page(
        [_result(found[0], found[1], found[2], lost) for found in page.rows], page.next_cursor, page.previous_cursor
    )


def latest_of_revision(session: Session, revision_id: str, environment_id: str) -> EvaluationFacts | None:
    """Return the newest completed evaluation of a revision on a golden dataset; for rooms above, which have checked
    whose revision it is."""
    found = session.execute(
        _evaluations()
        .where(
            Evaluation.revision_id == revision_id,
            Evaluation.environment_id == environment_id,
            Evaluation.state == "completed",
            Evaluation.draft_version.is_(None),
            Dataset.is_golden.is_(True),
            Dataset.archived_at.is_(None),
        )
        .order_by(Evaluation.id.desc())
        .limit(1)
    ).all()
    return next(iter(_facts(session, found)), None)


def _evaluations() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Evaluation,
            Agent.slug.label("agent_slug"),
            Dataset.name.label("dataset_name"),
            Dataset.is_golden.label("is_golden"),
            Environment.slug.label("environment"),
            _candidate.number.label("number"),
            _baseline.number.label("baseline_number"),
        )
        .join(Agent, Agent.id == Evaluation.agent_id)
        .join(Dataset, Dataset.id == Evaluation.dataset_id)
        .join(Environment, Environment.id == Evaluation.environment_id)
        .join(_candidate, _candidate.id == Evaluation.revision_id)
        .outerjoin(_baseline, _baseline.id == Evaluation.baseline_revision_id)
        .execution_options(populate_existing=True)
    )


def _facts(session: Session, rows: Sequence[Any]) -> list[EvaluationFacts]:
    under_way = [row.Evaluation.id for row in rows if not is_over(row.Evaluation.state)]
    waits = _waits(session, under_way)
    return [_one(row, waits) for row in rows]


def _waits(session: Session, evaluation_ids: Sequence[str]) -> dict[str, int]:
    """Return evaluation → of how many examples not all is known yet."""
    if not evaluation_ids:
        return {}
    rows = session.execute(
        select(EvaluationResult.evaluation_id, func.count(EvaluationResult.example_id.distinct()).label("waits"))
        .where(
            EvaluationResult.evaluation_id.in_(evaluation_ids),
            EvaluationResult.state.in_(("pending", "running", "judging")),
        )
        .group_by(EvaluationResult.evaluation_id)
    )
    return {row.evaluation_id: row.waits for row in rows}


_SAME_NAMES = (
    "id", "agent_id", "dataset_id", "dataset_version", "revision_id", "draft_version", "baseline_revision_id",
    "baseline_from", "state", "code", "reason", "trigger", "examples", "score", "baseline_score", "critical_lost",
    "verdict", "reasons", "warnings", "cost_usd", "baseline_cost_usd", "p50_seconds", "baseline_p50_seconds",
    "cap_usd", "requested_by_name", "requested_at", "started_at", "ended_at",
)  # fmt: skip


def _one(row: Any, waits: Mapping[str, int]) -> EvaluationFacts:
    one: Evaluation = row.Evaluation
    waiting = one.examples if one.state == "pending" else waits.get(one.id, 0)
    return EvaluationFacts(
        **{name: getattr(one, name) for name in _SAME_NAMES}, agent_slug=row.agent_slug,
        dataset_name=row.dataset_name, is_golden=row.is_golden, environment=row.environment,
        revision_number=row.number if one.draft_version is None else None, baseline_number=row.baseline_number,
        is_of_what_serves=one.revision_id == one.baseline_revision_id, done=one.examples - waiting,
    )  # fmt: skip


def _spread(kept: Mapping[str, Any] | None) -> Spread:
    if not kept:
        return _NO_SPREAD
    return Spread(kept["scored"], kept["left_out"], list(kept["tenths"]), dict(kept["means"]))


def _result(example: Example, mine: EvaluationResult, other: EvaluationResult | None, lost: set[str]) -> ResultFacts:
    split: Any = example.split
    return ResultFacts(
        example_id=example.id, title=example.title, input=example.input, expected=example.expected,
        is_critical=example.is_critical, is_lost=example.id in lost, split=split,
        verdict=outcome_of(mine.score, other.score if other is not None else None), candidate=_side(mine),
        baseline=_side(other) if other is not None else None,
    )  # fmt: skip


def _side(row: EvaluationResult) -> SideResult:
    names = SideResult.__slots__
    return SideResult(**{name: getattr(row, name) for name in names})
