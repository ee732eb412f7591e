"""What was answered is tried again by a candidate, after the answer: it acts on nothing, and what differs is told."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from sqlalchemy import func, select

from signoff.agents.actions import disable_agent
from signoff.budgets.caps import set_price
from signoff.deployments.shadowing import end_shadow
from signoff.deployments.traffic import bucket
from signoff.gateways.model.providers import forget_script, register_script
from signoff.releases.shadow import agreement, begin_pair, shadow_finding
from signoff.runs import actions
from signoff.tables.approvals import Approval
from signoff.tables.limits import SpendCounter
from signoff.tables.record import OutboxMessage
from signoff.tables.releases import Release, ReleaseEvent
from signoff.tables.runs import Run
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, Script, turns
from tests.engine.kit_shadow import on_trial, over, pairs_of

WORK = ([("look", {"n": 1})], [("post", {"n": 2})], [("pay", {"n": 3})], "All done.")
# This one pays after it has read: whether somebody must agree to that is not what is looked at here.
CALM: dict[str, Any] = {"rules": {"flow": "off"}}


@pytest.fixture
def candidate() -> Any:
    """Registers what the candidate's model says."""
    yield lambda script: register_script("candidate", script)
    forget_script("candidate")


def count(bench: Bench, table: type, *where: Any) -> int:
    with bench.store.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def facts(run: Run) -> tuple[Any, ...]:
    return (run.state, run.code, run.reason, run.output, run.cost_usd, run.tool_calls, run.model_calls, run.leg)


async def answered(bench: Bench, at: House, number: int = 1) -> list[Run]:
    return [await bench.over(bench.request(at, {"subject": f"Number {number}"})) for number in range(number)]


async def test_an_equal_candidate_makes_equal_pairs_and_does_nothing_outside(bench: Bench, candidate: Any):
    at = bench.house(turns(*WORK), **CALM)
    (before,) = await answered(bench, at)
    candidate(turns(*WORK))
    release = on_trial(bench.store, at, model={"name": "scripted:candidate"})
    runs = await answered(bench, at, 25)
    pairs = await over(bench.store, release, 25)
    assert {pair.run_id for pair in pairs} == {run.id for run in runs}
    assert [(pair.state, pair.is_equal, pair.differences) for pair in pairs] == [("compared", True, {})] * 25
    # Each real run wrote twice; no shadow did, and none was asked to read what its original had read.
    assert len(bench.ledger.writes()) == 26 * 2
    assert len(bench.ledger.calls("look")) == 26
    # With and without a shadow, an answer is the same.
    assert {facts(run) for run in runs} == {facts(before)}
    shadow = bench.run(str(pairs[0].shadow_run_id))
    assert (shadow.mode, shadow.variant, shadow.origin, shadow.release_id) == ("shadow", "shadow", "test", release)
    assert (shadow.revision_number, shadow.replay_of, shadow.needs_attention) == (2, pairs[0].run_id, False)
    assert bench.effects(shadow.id) == []
    # A shadow is not shadowed, nor is anything tried twice.
    assert count(bench, Run, Run.mode == "shadow") == 25


async def test_what_a_changed_candidate_would_do_is_named(bench: Bench, candidate: Any):
    at = bench.house(turns(*WORK), **CALM)
    candidate(turns([("look", {"n": 1})], [("post", {"n": 9})], [("look", {"n": 5})], "All done.\nAnd more."))
    release = on_trial(bench.store, at, model={"name": "scripted:candidate"})
    await answered(bench, at)
    (pair,) = await over(bench.store, release)
    assert (pair.state, pair.is_equal) == ("compared", False)
    assert pair.differences["named"] == [
        "output", "no more: erp.pay", "no more: erp.post", "new: erp.look", "new: erp.post",
    ]  # fmt: skip
    assert pair.differences["output"]["fields"][0]["diff"] == ["@@ -1 +1,2 @@", " All done.", "+And more."]
    assert pair.differences["calls"]["only_shadow"] == [
        {"tool": "erp.look", "args": '{"n":5}', "times": 1}, {"tool": "erp.post", "args": '{"n":9}', "times": 1},
    ]  # fmt: skip
    # The one read that the original did not make was made; no write was.
    assert bench.ledger.calls() == [("look", {"n": 1}), ("post", {"n": 2}), ("pay", {"n": 3}), ("look", {"n": 5})]


async def test_fields_of_a_structured_answer_are_compared_one_by_one(bench: Bench, candidate: Any):
    schema = {"type": "object", "properties": {"total": {"type": "number"}, "note": {"type": "string"}}}

    def answers(value: dict[str, Any]) -> Script:
        def play(messages: list[ModelMessage], info: Any) -> ModelResponse:
            return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, value)])

        return play

    at = bench.house(answers({"total": 10, "note": "a"}), output_schema=schema)
    candidate(answers({"total": 12.5, "note": "a"}))
    release = on_trial(bench.store, at, model={"name": "scripted:candidate"})
    await answered(bench, at)
    (pair,) = await over(bench.store, release)
    assert pair.differences == {
        "output": {"fields": [{"path": "total", "was": "10", "would_be": "12.5"}], "left_out": 0},
        "named": ["output total"],
    }


async def test_a_candidate_that_fails_or_takes_no_such_input_differs_and_asks_for_no_attention(
    bench: Bench, candidate: Any
):
    at = bench.house(turns("Done."))
    candidate(turns([("look", {"n": 1})]))
    release = on_trial(bench.store, at, model={"name": "scripted:candidate"}, limits={"turns": 2})
    await answered(bench, at)
    (pair,) = await over(bench.store, release)
    assert pair.differences["named"][0] == "status: completed, would be failed"
    assert bench.run(str(pair.shadow_run_id)).needs_attention is False


async def test_a_candidate_that_takes_no_such_input_differs_without_a_run(bench: Bench):
    at = bench.house(turns("Done."))
    wanted = {"type": "object", "required": ["order"]}
    release = on_trial(bench.store, at, input_schema=wanted)
    await answered(bench, at)
    (pair,) = await over(bench.store, release)
    assert (pair.state, pair.is_equal, pair.shadow_run_id) == ("compared", False, None)
    assert pair.differences["named"] == ["status: completed, would be refused"]


async def test_nobody_is_asked_for_a_shadow(bench: Bench, candidate: Any):
    gates = [{"name": "all", "effects": ["write", "irreversible"], "asks": ["owner"]}]
    at = bench.house(turns("Done."), asking={"questions": True, "logins": True})
    asks = {"questions": [{"question": "Which?", "header": "Which"}]}

    def script(messages: list[ModelMessage], info: Any) -> ModelResponse:
        if any(isinstance(message, ModelResponse) for message in messages):
            return ModelResponse(parts=[TextPart("Done.")])
        login = {"connection": "erp", "reason": "It is signed out."}
        return ModelResponse(parts=[
            ToolCallPart("erp_pay", {"n": 1}), ToolCallPart("erp_post", {"n": 2}), ToolCallPart("ask_person", asks),
            ToolCallPart("request_login", login),
        ])  # fmt: skip

    candidate(script)
    release = on_trial(bench.store, at, model={"name": "scripted:candidate"}, gates=gates)
    await answered(bench, at)
    (pair,) = await over(bench.store, release)
    shadow = bench.run(str(pair.shadow_run_id))
    assert (shadow.state, shadow.leg) == ("completed", 1)
    assert count(bench, Approval) == 0
    assert bench.ledger.calls() == []
    assert [one["tool"] for one in pair.differences["calls"]["only_shadow"]] == [
        "ask_person", "erp.pay", "erp.post", "request_login",
    ]  # fmt: skip


async def test_the_sample_is_exactly_what_the_bucket_says(bench: Bench):
    at = bench.house(turns("Done."))
    release = on_trial(bench.store, at, share=3_000)
    runs = [bench.request(at, f"Number {number}") for number in range(200)]
    for run_id in runs:
        await bench.over(run_id)
    wanted = {run_id for run_id in runs if bucket(release, run_id) < 3_000}
    pairs = await over(bench.store, release, len(wanted))
    assert {pair.run_id for pair in pairs} == wanted
    # 200 tries at 0.3: within four standard deviations (6.5 each) of 60.
    assert 34 <= len(wanted) <= 86


async def test_only_real_work_that_what_serves_has_answered_is_tried(bench: Bench):
    at = bench.house(turns("Done."))
    release = on_trial(bench.store, at)
    asked: list[dict[str, Any]] = [{"origin": "test"}, {"mode": "sandbox"}, {"revision": 1}]
    for more in asked:
        await bench.over(bench.request(at, **more))
    (run,) = await answered(bench, at)
    (pair,) = await over(bench.store, release)
    assert pair.run_id == run.id
    with bench.store.write() as session:
        assert end_shadow(session, session.get_one(Release, release))
        assert not end_shadow(session, session.get_one(Release, release))
    await answered(bench, at)
    assert count(bench, OutboxMessage, OutboxMessage.kind == actions.SHADOW) == 1


async def test_its_money_is_its_own_and_ends_it_for_the_day(bench: Bench, candidate: Any):
    at = bench.house(turns("Done."), limits={"cost_usd": 100})
    candidate(turns("Done."))
    release = on_trial(
        bench.store, at, model={"name": "scripted:candidate"}, shadow={"daily_usd": "0.01"}, limits={"cost_usd": 100}
    )
    with bench.store.write() as session:
        set_price(session, at.who, model="scripted:candidate", input_usd=Decimal(1_000), output_usd=Decimal(1_000))
    first = await answered(bench, at)
    await over(bench.store, release)
    rest = await answered(bench, at, 3)
    await over(bench.store, release, 4)
    pairs = {pair.run_id: pair for pair in pairs_of(bench.store, release)}
    paid = pairs[first[0].id]
    assert (paid.state, paid.is_equal) == ("compared", True)
    assert paid.cost_usd > Decimal("0.01")
    assert {pairs[run.id].state for run in rest} == {"skipped"}
    assert "The most this release may spend on its shadow in a day is $0.01" in str(pairs[rest[0].id].reason)
    with bench.store.read() as session:
        spent = {row.pot.split(":")[0]: row.spent_usd for row in session.scalars(select(SpendCounter))}
        notes = session.scalars(select(ReleaseEvent).where(ReleaseEvent.release_id == release)).all()
    # Nothing of it is in a pot of the agent, its environment or the workspace.
    assert spent["shadow"] == paid.cost_usd
    assert {spent[name] for name in ("day", "place")} == {Decimal(0)}
    assert [note.kind for note in notes] == ["shadow_spent"]


async def test_a_shadow_that_is_called_off_is_no_comparison(bench: Bench, candidate: Any):
    at = bench.house(turns("Done."))
    reached, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(messages: list[ModelMessage], info: Any) -> ModelResponse:
        reached.set()
        await goes_on.wait()
        return ModelResponse(parts=[TextPart("Done.")])

    candidate(slow)
    release = on_trial(bench.store, at, model={"name": "scripted:candidate"})
    # The answer is there while the shadow has hardly begun: nobody waited for it.
    (run,) = await answered(bench, at)
    await asyncio.wait_for(reached.wait(), 60)
    (pair,) = await bench.store.run(pairs_of, bench.store, release)
    assert (run.state, pair.state) == ("completed", "running")
    with bench.store.write() as session:
        actions.cancel_run(session, at.who, str(pair.shadow_run_id))
    (pair,) = await over(bench.store, release)
    goes_on.set()
    assert pair.state == "skipped"


async def test_while_the_agent_is_off_nothing_is_tried(stopped_bench: Bench):
    bench = stopped_bench
    at = bench.house(turns("Done."))
    release = on_trial(bench.store, at)
    run_id = bench.request(at)
    with bench.store.write() as session:
        actions.start_leg(session, run_id, 1, worker="w", wall_seconds_max=60)
        actions.complete_run(session, run_id, 1, by=at.who.actor, output="Done.")
        disable_agent(session, at.who, at.agent_id)
    with bench.store.write() as session:
        assert begin_pair(session, run_id=run_id, release_id=release) is None
        assert begin_pair(session, run_id=run_id, release_id=release) is None
    (pair,) = pairs_of(bench.store, release)
    assert (pair.state, pair.reason) == ("skipped", "The agent is switched off.")


async def test_enough_pairs_on_enough_days_end_it(bench: Bench):
    at = bench.house(turns("Done."))
    release = on_trial(bench.store, at, shadow={"days": 1, "min_pairs": 3})
    await answered(bench, at, 2)
    await over(bench.store, release, 2)
    with bench.store.read() as session:
        early = shadow_finding(session, session.get_one(Release, release))
    await answered(bench, at)
    await over(bench.store, release, 3)
    with bench.store.read() as session:
        done = shadow_finding(session, session.get_one(Release, release))
        counted = agreement(session, at.who, release)
    assert (early.is_done, early.reason) == (False, "The shadow goes on: 2 of 3 pairs, on 1 of 1 days.")
    assert (done.is_done, done.days, done.pairs) == (True, 1, 3)
    assert (counted.compared, counted.equal.hits, counted.equal.rate) == (3, 3, 1.0)


@pytest.mark.slow
async def test_a_thousand_runs_of_a_writing_agent_leave_no_effect_of_their_shadows(bench: Bench, candidate: Any):
    at = bench.house(turns(*WORK), **CALM)
    candidate(turns([("look", {"n": 1})], [("post", {"n": 7}), ("pay", {"n": 3})], [("pay", {"n": 9})], "Otherwise."))
    release = on_trial(bench.store, at, model={"name": "scripted:candidate"}, shadow={"daily_usd": 1_000})
    runs = [bench.request(at, f"Number {number}") for number in range(1_000)]
    pairs = await over(bench.store, release, 1_000, seconds_max=2_400)
    assert {pair.run_id for pair in pairs} == set(runs)
    assert {(pair.state, pair.is_equal) for pair in pairs} == {("compared", False)}
    assert sorted({args["n"] for tool, args in bench.ledger.calls() if tool != "look"}) == [2, 3]
    assert len(bench.ledger.writes()) == 2_000
    assert count(bench, Approval) == 0
    assert {bench.run(run_id).output for run_id in runs} == {"All done."}
