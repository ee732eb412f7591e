"""A revision is tried on examples beside what serves: nothing is sent, nobody is asked, and a verdict comes of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from sqlalchemy import func, select

from signoff.agents.actions import disable_agent
from signoff.agents.queries import revisions_page
from signoff.agents.revisions import find_revision
from signoff.budgets.caps import set_price
from signoff.evaluations.actions import add_evaluator, add_run_as_example, cancel_evaluation, create_dataset
from signoff.evaluations.pots import SPENT
from signoff.gateways.model.providers import forget_script, register_script
from signoff.kit import clock
from signoff.kit.errors import NotFound, NotNow
from signoff.runs.by_agent import figures_by_agent
from signoff.tables.agents import Agent, Draft, Revision
from signoff.tables.approvals import Approval
from signoff.tables.limits import SpendCounter
from signoff.tables.runs import Run
from signoff.tables.signals import Signal
from tests.engine.conftest import Bench
from tests.engine.kit_engine import agent, turns
from tests.engine.kit_evaluation import ask, dataset, over, second

CALM: dict[str, Any] = {"rules": {"flow": "off"}}


@pytest.fixture
def candidate() -> Any:
    """Registers what the candidate's model says."""
    yield lambda script: register_script("candidate", script)
    forget_script("candidate")


def saying(answers: dict[str, str], otherwise: str = "?") -> Any:
    """A script that answers each question as it is told to."""

    def play(messages: list[ModelMessage], info: Any) -> ModelResponse:
        asked = " ".join(
            str(part.content)
            for message in messages
            if isinstance(message, ModelRequest)
            for part in message.parts
            if isinstance(part, UserPromptPart)
        )
        found = next((said for question, said in answers.items() if question in asked), otherwise)
        return ModelResponse(parts=[TextPart(found)])

    return play


def count(bench: Bench, table: type, *where: Any) -> int:
    with bench.store.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


async def test_a_better_revision_is_promotable_and_both_sides_are_told(bench: Bench, candidate: Any):
    at = bench.house(saying({"Question 0": "right"}), **CALM)
    candidate(saying({"Question 0": "right", "Question 1": "right"}))
    revision = second(bench.store, at, model={"name": "scripted:candidate"})
    golden = dataset(bench.store, at, "right", "right", "right")
    found, results = await over(bench.store, at, ask(bench.store, at, golden, revision))
    facts = found.facts
    assert (facts.state, facts.verdict, facts.done) == ("completed", "promotable", 3)
    assert facts.score == pytest.approx(2 / 3)
    assert facts.baseline_score == pytest.approx(1 / 3)
    assert [(one.candidate.score, one.baseline and one.baseline.score, one.verdict) for one in results] == [
        (1.0, 1.0, "same"), (1.0, 0.0, "better"), (0.0, 0.0, "same"),
    ]  # fmt: skip
    assert (found.better, found.same, found.worse) == (1, 2, 0)
    assert (found.candidate.tenths[9], found.candidate.tenths[0]) == (2, 1)
    assert facts.p50_seconds is not None
    assert any("few" in one for one in facts.warnings)
    run = bench.run(str(results[0].candidate.run_id))
    assert (run.mode, run.origin, run.evaluation_id, run.needs_attention) == ("evaluation", "test", facts.id, False)


async def test_one_critical_example_that_gets_worse_decides_although_the_mean_rises(bench: Bench, candidate: Any):
    at = bench.house(saying({"Question 0": "right"}), **CALM)
    candidate(saying({"Question 1": "right", "Question 2": "right"}))
    revision = second(bench.store, at, model={"name": "scripted:candidate"})
    golden = dataset(bench.store, at, "right", "right", "right", critical=1)
    found, results = await over(bench.store, at, ask(bench.store, at, golden, revision))
    assert (found.facts.score or 0) > (found.facts.baseline_score or 0)
    assert found.facts.verdict == "not_promotable"
    assert found.facts.critical_lost == [results[0].example_id]
    assert [one.is_lost for one in results] == [True, False, False]


async def test_writes_are_recorded_and_none_is_made_and_nobody_is_asked(bench: Bench, candidate: Any):
    work = turns([("look", {"n": 1})], [("post", {"n": 2})], [("pay", {"n": -3})], "Done.")
    at = bench.house(work, **CALM)
    candidate(work)
    revision = second(bench.store, at, model={"name": "scripted:candidate"})
    golden = dataset(bench.store, at, "Done.")
    with bench.store.write() as session:
        settings = {"calls": [{"tool": "erp.post"}, {"tool": "erp.pay"}]}
        add_evaluator(session, at.who, at.agent_id, name="Calls", kind="calls", settings=settings)
    found, results = await over(bench.store, at, ask(bench.store, at, golden, revision))
    assert (found.facts.state, found.facts.score) == ("completed", 1.0), results
    assert bench.ledger.writes() == []
    assert len(bench.ledger.calls("look")) == 2
    assert count(bench, Approval) == 0
    assert [step.state for step in bench.steps(str(results[0].candidate.run_id)) if step.kind == "tool"] == [
        "completed", "simulated", "simulated",
    ]  # fmt: skip


async def test_an_example_of_a_run_reads_what_that_run_read(bench: Bench, candidate: Any):
    work = turns([("look", {"n": 1})], "Done.")
    at = bench.house(work, **CALM)
    run = await bench.over(bench.request(at))
    candidate(work)
    revision = second(bench.store, at, model={"name": "scripted:candidate"})
    with bench.store.write() as session:
        golden = create_dataset(session, at.who, at.agent_id, name="From the field")
        add_run_as_example(session, at.who, golden, run.id)
    found, _ = await over(bench.store, at, ask(bench.store, at, golden, revision))
    assert (found.facts.score, found.facts.baseline_score) == (1.0, 1.0)
    assert bench.ledger.calls() == [("look", {"n": 1})]


async def test_no_figure_of_real_work_counts_an_evaluation(bench: Bench):
    at = bench.house(turns("right"), **CALM)
    golden = dataset(bench.store, at, "right", "right")
    await over(bench.store, at, ask(bench.store, at, golden, None))
    assert count(bench, Run, Run.mode == "evaluation") == 2
    assert count(bench, Signal, Signal.origin == "production") == 0
    with bench.store.read() as session:
        figures = figures_by_agent(session, at.who, [at.agent_id], since=clock.now() - timedelta(days=1))
    assert figures[at.agent_id].runs == 0


async def test_its_money_is_its_own_and_the_end_of_it_is_told(bench: Bench, candidate: Any):
    at = bench.house(turns("right"), **CALM)
    candidate(turns("right"))
    revision = second(bench.store, at, model={"name": "scripted:candidate"})
    with bench.store.write() as session:
        for model in ("scripted:test", "scripted:candidate"):
            set_price(session, at.who, model=model, input_usd=Decimal(1_000), output_usd=Decimal(1_000))
    golden = dataset(bench.store, at, *(["right"] * 30))
    asked = ask(bench.store, at, golden, revision, cap_usd=Decimal("0.50"))
    found, _ = await over(bench.store, at, asked)
    assert (found.facts.state, found.facts.code) == ("failed", SPENT), found.facts
    with bench.store.read() as session:
        pots = session.scalars(select(SpendCounter.pot).where(SpendCounter.pot.not_like("run:%"))).all()
    assert pots == [f"evaluation:{asked}"]


async def test_what_was_measured_of_the_baseline_is_taken_over(bench: Bench, candidate: Any):
    at = bench.house(turns("right"), **CALM)
    candidate(turns("right"))
    revision = second(bench.store, at, model={"name": "scripted:candidate"})
    golden = dataset(bench.store, at, "right", "right")
    first, _ = await over(bench.store, at, ask(bench.store, at, golden, revision))
    again, results = await over(bench.store, at, ask(bench.store, at, golden, revision))
    assert again.facts.baseline_from == first.facts.id
    assert again.facts.baseline_score == 1.0
    assert all(one.baseline is not None and one.baseline.run_id for one in results)
    assert count(bench, Run, Run.mode == "evaluation", Run.revision_number == 1) == 2


async def test_what_serves_and_gets_worse_by_itself_raises_an_alert(bench: Bench):
    at = bench.house(turns("right"), **CALM)
    golden = dataset(bench.store, at, "right", "right")
    first, _ = await over(bench.store, at, ask(bench.store, at, golden, None))
    assert (first.facts.verdict, first.facts.baseline_score) == ("promotable", None)
    register_script("test", turns("wrong"))
    later, _ = await over(bench.store, at, ask(bench.store, at, golden, None))
    assert (later.facts.score, later.facts.baseline_score, later.facts.verdict) == (0.0, 1.0, "not_promotable")
    alert = await bench.alert(f"evaluation_drop:{golden}:{at.environment_id}")
    assert "nothing was released" in alert.text


async def test_a_revision_that_does_not_take_an_input_scores_nothing_on_it(bench: Bench, candidate: Any):
    at = bench.house(turns("right"), **CALM)
    candidate(turns("right"))
    revision = second(bench.store, at, model={"name": "scripted:candidate"}, input_schema={"type": "object"})
    golden = dataset(bench.store, at, "right")
    found, (only,) = await over(bench.store, at, ask(bench.store, at, golden, revision))
    assert (only.candidate.outcome, only.candidate.score, only.candidate.run_id) == ("refused", 0.0, None)
    assert found.facts.verdict == "not_promotable"


async def test_an_evaluation_of_a_disabled_agent_fails(bench: Bench):
    at = bench.house(turns("right"), **CALM)
    golden = dataset(bench.store, at, "right")
    with bench.store.write() as session:
        disable_agent(session, at.who, at.agent_id, reason="broken")
    found, _ = await over(bench.store, at, ask(bench.store, at, golden, None))
    assert (found.facts.state, found.facts.code) == ("failed", "agent_disabled")


async def test_a_cancelled_evaluation_ends_its_runs_and_says_nothing(bench: Bench):
    at = bench.house(saying({}), **CALM)
    golden = dataset(bench.store, at, *(["right"] * 40))
    asked = ask(bench.store, at, golden, None)
    with bench.store.write() as session:
        cancel_evaluation(session, at.who, asked)
    found, _ = await over(bench.store, at, asked)
    assert (found.facts.state, found.facts.verdict, found.facts.score) == ("cancelled", None, None)


async def test_weights_count_by_their_ratio(bench: Bench):
    at = bench.house(turns("right and more"), **CALM)
    golden = dataset(bench.store, at, "right")
    found: list[float | None] = []
    for one, other in ((1, 3), (10, 30)):
        with bench.store.write() as session:
            for name, kind, weight in (("Equal", "equals", one), ("There", "contains", other)):
                add_evaluator(
                    session, at.who, at.agent_id, name=f"{name} {weight}", kind=kind, settings={},
                    weight=Decimal(weight),
                )  # fmt: skip
        told, _ = await over(bench.store, at, ask(bench.store, at, golden, None))
        found.append(told.facts.score)
    assert found == [0.75, 0.75]


async def test_a_draft_is_tried_as_it_was_when_it_was_asked_for(bench: Bench, candidate: Any):
    at = bench.house(turns("old"), **CALM)
    candidate(turns("right"))
    golden = dataset(bench.store, at, "right")
    with bench.store.write() as session:
        first = session.scalars(select(Revision).where(Revision.agent_id == at.agent_id)).one()
        body = {**first.body, "model": {**first.body["model"], "name": "scripted:candidate"}}
        session.add(
            Draft(
                agent_id=at.agent_id, workspace_id=at.workspace_id, version=5, body=body, updated_by="mem_x",
                updated_by_name="X", updated_at=clock.now(),
            )
        )  # fmt: skip
    asked = ask(bench.store, at, golden, None, draft=True)
    with bench.store.write() as session:
        session.get_one(Draft, at.agent_id).version = 6
        session.get_one(Draft, at.agent_id).body = {**body, "sop": "Something else."}
    found, _ = await over(bench.store, at, asked)
    assert (found.facts.draft_version, found.facts.revision_number) == (5, None)
    assert (found.facts.score, found.facts.baseline_score) == (1.0, 0.0)
    with bench.store.read() as session:
        assert [one.number for one in revisions_page(session, at.who, at.agent_id).rows] == [1]
        row = session.get_one(Agent, at.agent_id)
        with pytest.raises(NotFound):
            find_revision(session, row, found.facts.revision_id)


def judging(messages: list[ModelMessage], info: Any) -> ModelResponse:
    """A judge who likes what is right."""
    asked = str(messages)
    score = "1" if "right" in asked else "0.25" if "nearly" in asked else '"good"'
    return ModelResponse(parts=[TextPart(f'{{"score": {score}, "reason": "because"}}')])


async def test_an_agent_judges_and_what_is_no_score_says_nothing(bench: Bench):
    at = bench.house(saying({"Question 0": "right", "Question 1": "nearly"}, otherwise="wrong"), **CALM)
    register_script("judge", judging)
    judge = agent(bench.store, at, "judge", slug="judge", tools=[], gates=[])
    golden = dataset(bench.store, at, None, None, "wrong")
    with bench.store.write() as session:
        settings = {"agent": "judge", "revision": 1, "criteria": "Is it true?"}
        add_evaluator(session, at.who, at.agent_id, name="Judge", kind="judge", settings=settings)
    found, results = await over(bench.store, at, ask(bench.store, at, golden, None))
    forget_script("judge")
    assert [one.candidate.score for one in results] == [1.0, 0.25, 1.0], found
    # The last one was compared instead: it has what was expected.
    assert [one.candidate.scores[0]["reason"] for one in results] == [
        "because", "because", "The judge's answer holds no score from 0 to 1.",
    ]  # fmt: skip
    assert count(bench, Run, Run.agent_id == judge, Run.mode == "evaluation", Run.origin == "test") == 3


async def test_a_judge_that_is_not_there_is_told_before_anything_runs(bench: Bench):
    at = bench.house(turns("right"), **CALM)
    golden = dataset(bench.store, at, "right")
    with bench.store.write() as session:
        settings = {"agent": "nobody", "revision": 1}
        add_evaluator(session, at.who, at.agent_id, name="Judge", kind="judge", settings=settings)
    with pytest.raises(NotNow) as refused:
        ask(bench.store, at, golden, None)
    assert refused.value.code == "judge_missing"
