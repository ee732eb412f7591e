"""What broke today is a case tomorrow; and what was known of the deploy when it began."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from signoff.evaluations.actions import create_dataset
from signoff.evaluations.queries import examples_page
from signoff.incidents.cases import add_cases
from signoff.incidents.document import postmortem_text
from signoff.incidents.evidence import add_runs
from signoff.kit import clock, ids
from signoff.kit.errors import NotAllowed, NotFound, NotNow
from signoff.tables.agents import Revision
from signoff.tables.evaluations import Evaluation, EvaluationResult
from tests.rooms.incidents.kit_incidents import Ward, make_ward, ward

__all__ = ["ward"]


@pytest.fixture
def golden(ward: Ward) -> str:
    return ward.write(create_dataset, ward.ann, "supplier-mail", name="Regressions", is_golden=True)


def revision_of(ward: Ward) -> str:
    with ward.store.read() as session:
        return session.scalars(select(Revision.id).where(Revision.agent_id == ward.agent_id)).one()


def evaluate(ward: Ward, dataset: str, ended_at: datetime, **scores: float) -> str:
    """An evaluation that is over, as the engine would have left it; `scores` by example."""
    revision, made = revision_of(ward), ids.new_id("evl")
    values: dict[str, Any] = {
        "id": made, "workspace_id": ward.at.workspace_id, "agent_id": ward.agent_id, "dataset_id": dataset,
        "environment_id": ward.at.environments["production"], "dataset_version": 1, "revision_id": revision,
        "baseline_revision_id": revision, "evaluators": [], "evaluators_hash": "0" * 64, "tolerance": 0.02,
        "state": "completed", "trigger": "by_hand", "examples": len(scores), "score": 0.9, "baseline_score": 0.9,
        "verdict": "promotable", "cap_usd": Decimal(1), "requested_by": ward.ann.id, "requested_by_name": "Ann",
        "requested_at": ended_at, "ended_at": ended_at,
    }  # fmt: skip
    with ward.store.write() as session:
        session.add(Evaluation(**values))
        session.flush()
        for example, score in scores.items():
            session.add(
                EvaluationResult(
                    evaluation_id=made, example_id=example, side="candidate", workspace_id=ward.at.workspace_id,
                    state="scored", score=score, output="It answered nothing.",
                )
            )  # fmt: skip
    return made


def test_one_action_adds_each_failing_run_as_a_case_and_twice_adds_nothing(ward: Ward, golden: str):
    runs = [ward.fail(), ward.fail()]
    made = ward.declare()
    ward.write(add_runs, ward.ann, made, runs)
    first = ward.write(add_cases, ward.ben, made, golden)
    second = ward.write(add_cases, ward.ben, made, golden)
    found = ward.read(examples_page, ward.ann, golden).rows
    assert first == second
    assert {(one.from_run_id, one.is_critical) for one in found} == {(run, True) for run in runs}
    assert all(made in one.note for one in found)
    assert ward.kinds(made).count("cases") == 1
    detail = ward.detail(made)
    assert detail.postmortem.cases.added == 2
    assert "Add the runs that failed" in next(
        one.title for one in detail.tasks if one.done_at and "golden" in one.title
    )


def test_without_a_failed_run_or_the_right_nothing_is_added(ward: Ward, golden: str):
    made = ward.declare()
    with pytest.raises(NotNow):
        ward.write(add_cases, ward.ann, made, golden)
    ward.write(add_runs, ward.ann, made, [ward.fail()])
    with pytest.raises(NotAllowed):
        ward.write(add_cases, ward.cem, made, golden)
    elsewhere = make_ward(ward.store, "elsewhere")
    foreign = elsewhere.write(create_dataset, elsewhere.ann, "supplier-mail", name="Theirs")
    with pytest.raises(NotFound):
        ward.write(add_cases, ward.ann, made, foreign)
    assert ward.read(examples_page, ward.ann, golden).rows == []


def test_the_postmortem_names_the_evaluation_that_was_over_when_it_began(ward: Ward, golden: str):
    now = clock.now()
    before = evaluate(ward, golden, now - timedelta(hours=1))
    evaluate(ward, golden, now + timedelta(hours=1))
    made = ward.declare()
    found = ward.detail(made).postmortem
    assert found.evaluation is not None
    assert (found.evaluation.id, found.evaluation.verdict, found.evaluation.dataset) == (
        before, "promotable", "Regressions",
    )  # fmt: skip
    assert before in ward.read(postmortem_text, ward.cem, made)


def test_a_case_that_fails_under_what_served_then_would_catch_it(ward: Ward, golden: str):
    made = ward.declare()
    ward.write(add_runs, ward.ann, made, [ward.fail()])
    (case,) = ward.write(add_cases, ward.ann, made, golden)
    assert ward.detail(made).postmortem.cases.would_catch == ()
    evaluate(ward, golden, clock.now(), **{case: 0.1})
    assert ward.detail(made).postmortem.cases.would_catch == (case,)
    assert "1 of them were seen to fail" in ward.read(postmortem_text, ward.ann, made)
