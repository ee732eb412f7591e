"""Runs that are ended from outside, and runs that wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelResponse, ToolReturnPart
from sqlalchemy import update

from signoff import durable
from signoff.budgets.caps import set_price
from signoff.budgets.queries import spent
from signoff.connectors import faults
from signoff.kit import clock
from signoff.kit.errors import NotNow
from signoff.runs import actions, queries, stuck
from signoff.tables.runs import Effect, Leg, Run
from tests.engine.conftest import Bench
from tests.engine.kit_engine import turns


def cancel(bench: Bench, at: Any, run_id: str, reason: str | None = None) -> str:
    with bench.store.write() as session:
        return actions.cancel_run(session, at.who, run_id, reason=reason)


async def hang(*_: Any) -> Any:
    await asyncio.Event().wait()


async def test_a_hung_model_call_is_cancelled(bench: Bench):
    at = bench.house(hang)
    run_id = bench.request(at)
    await bench.until(run_id, lambda run: bool(bench.steps(run_id)), "the model to be asked")
    assert cancel(bench, at, run_id, "Wrong mail.") == "running"
    run = await bench.over(run_id)
    assert (run.state, run.code, run.reason) == ("cancelled", "cancelled", "Wrong mail.")
    assert run.ended_at is not None
    assert [step.state for step in bench.steps(run_id)] == ["stopped"]
    with pytest.raises(NotNow):
        cancel(bench, at, run_id)


async def test_a_hung_write_that_is_cancelled_must_be_looked_at(bench: Bench):
    at = bench.house(turns([("post", {"n": 1})], "Done."))
    bench.behave["post"] = hang
    run_id = bench.request(at)
    await bench.until(run_id, lambda run: bool(bench.ledger.calls("post")), "the post")
    cancel(bench, at, run_id)
    assert (await bench.over(run_id)).state == "cancelled"
    (effect,) = bench.effects(run_id)
    assert (effect.state, effect.tool) == ("unknown", "erp.post")
    alert = await bench.alert(f"effect:{effect.key}")
    assert alert.detail == {"effect": effect.key, "run": run_id, "tool": "erp.post"}


async def test_a_cancelled_run_makes_no_further_call(bench: Bench):
    at = bench.house(turns([("look", {"n": 1})], [("post", {"n": 2})], "Done."))
    run_id = ""

    def cancel_now(tool: str, args: dict[str, Any]) -> None:
        cancel(bench, at, run_id)

    bench.behave["look"] = cancel_now
    run_id = bench.request(at)
    assert (await bench.over(run_id)).state == "cancelled"
    assert bench.ledger.calls("post") == []


async def test_the_deadline_ends_a_hung_call(bench: Bench):
    run = await bench.over(bench.request(bench.house(hang, limits={"wall_seconds": 1})))
    assert (run.state, run.code) == ("failed", "deadline_passed")


async def test_a_call_that_hung_until_the_deadline_costs_what_was_reserved_for_it(bench: Bench):
    at = bench.house(hang, limits={"wall_seconds": 1})
    with bench.store.write() as session:
        set_price(session, at.who, model="scripted:test", input_usd=Decimal(3), output_usd=Decimal(15))
    run = await bench.over(bench.request(at))
    (step,) = bench.steps(run.id)
    assert (step.code, step.detail["is_cost_estimated"]) == ("cut_off", True)
    with bench.store.read() as session:
        pot = spent(session, f"run:{run.id}")
        found = queries.run(session, at.who, run.id)
    assert run.cost_usd == step.cost_usd == pot.spent_usd
    assert run.cost_usd > 0
    assert (pot.held_usd, found.is_cost_estimated, run.model_calls) == (0, True, 1)


async def test_the_engine_calls_off_what_takes_too_long(bench: Bench):
    at = bench.house(hang)
    run_id = bench.request(at)
    await bench.until(run_id, lambda run: run.state == "running", "running")
    with bench.store.write() as session:
        assert stuck.call_off(session, run_id, code="ran_too_long", reason="Ten times the usual 2 s.")
    run = await bench.over(run_id)
    assert (run.state, run.code, run.reason) == ("cancelled", "ran_too_long", "Ten times the usual 2 s.")


async def test_an_unknown_outcome_waits_for_a_person(bench: Bench):
    heard: list[Any] = []

    def script(messages: list[Any], info: Any) -> ModelResponse:
        heard[:] = [part for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
        return turns([("look", {"n": 1}), ("post", {"n": 2}), ("pay", {"n": 3})], "Done.")(messages, info)

    def vanish(tool: str, args: dict[str, Any]) -> None:
        raise faults.unknown_outcome("The line went dead.")

    bench.behave.update(post=vanish, pay=vanish)
    at = bench.house(script)
    run_id = bench.request(at)
    run = await bench.waiting(run_id)
    assert (run.waiting_for, run.code, run.needs_attention) == ("reconciliation", "needs_reconciliation", True)
    unknown = {effect.tool: effect.key for effect in bench.effects(run_id)}
    assert sorted(unknown) == ["erp.pay", "erp.post"]

    def settle(tool: str, outcome: Any, **more: Any) -> bool:
        with bench.store.write() as session:
            return actions.settle_effect(session, at.who, unknown[tool], outcome=outcome, reason="Looked.", **more)

    assert settle("erp.post", "happened", result={"bill": 7}) is False
    assert (await bench.store.run(bench.run, run_id)).state == "waiting"
    with pytest.raises(NotNow):
        settle("erp.post", "did_not_happen")
    bench.behave.clear()
    assert settle("erp.pay", "did_not_happen_retry") is True
    run = await bench.over(run_id)
    assert (run.state, run.output, run.leg, run.needs_attention) == ("completed", "Done.", 2, False)
    assert bench.ledger.calls("pay") == [("pay", {"n": 3}), ("pay", {"n": 3})]
    assert bench.ledger.calls("look") == [("look", {"n": 1})]
    assert [part.content for part in heard] == [{"ok": {"n": 1}}, {"bill": 7}, {"ok": {"n": 3}}]


async def test_what_a_person_says_did_not_happen_is_told_to_the_model(bench: Bench):
    heard: list[str] = []

    def script(messages: list[Any], info: Any) -> ModelResponse:
        heard.extend(str(part.content) for part in messages[-1].parts if isinstance(part, ToolReturnPart))
        return turns([("pay", {"n": 3})], "Done without paying.")(messages, info)

    def vanish(tool: str, args: dict[str, Any]) -> None:
        raise faults.unknown_outcome("The line went dead.")

    bench.behave["pay"] = vanish
    at = bench.house(script)
    run_id = bench.request(at)
    await bench.waiting(run_id)
    with bench.store.write() as session:
        key = bench.effects(run_id)[0].key
        actions.settle_effect(session, at.who, key, outcome="did_not_happen", reason="Not on the statement.")
    assert (await bench.over(run_id)).output == "Done without paying."
    assert "Not on the statement." in heard[0]
    assert len(bench.ledger.calls("pay")) == 1


async def test_an_answer_that_comes_while_the_run_waits_is_told_to_the_model(bench: Bench):
    heard: list[Any] = []

    def script(messages: list[Any], info: Any) -> ModelResponse:
        heard.extend(part.content for part in messages[-1].parts if isinstance(part, ToolReturnPart))
        return turns([("pay", {"n": 3})], "Paid.")(messages, info)

    def vanish(tool: str, args: dict[str, Any]) -> None:
        raise faults.unknown_outcome("The line went dead.")

    bench.behave["pay"] = vanish
    run_id = bench.request(bench.house(script))
    await bench.waiting(run_id)
    # What the gateway writes when the process that had sent it was only asleep: see tests/gateways.
    with bench.store.write() as session:
        session.execute(update(Effect).values(state="done", result={"value": {"bill": 7}, "is_error": False}))
        assert actions.resume_when_answered(session, session.get_one(Run, run_id))
    assert (await bench.over(run_id)).output == "Paid."
    assert (heard, len(bench.ledger.calls("pay"))) == ([{"bill": 7}], 1)


async def test_a_leg_that_another_worker_took_over_acts_no_more_here(bench: Bench):
    thinks, may_answer = asyncio.Event(), asyncio.Event()

    async def script(messages: list[Any], info: Any) -> ModelResponse:
        thinks.set()
        await may_answer.wait()
        return turns([("post", {"n": 1})], "Posted.")(messages, info)

    run_id = bench.request(bench.house(script))
    await thinks.wait()
    with bench.store.write() as session:
        session.execute(update(Leg).where(Leg.run_id == run_id).values(worker="another"))
    may_answer.set()
    async with asyncio.timeout(60):
        while (await durable.outcomes([f"{run_id}/1"]))[f"{run_id}/1"] != "SUCCESS":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    run = bench.run(run_id)
    assert (run.state, bench.ledger.calls()) == ("running", [])
    assert [step.kind for step in bench.steps(run_id)] == ["model"]


async def test_a_provider_outage_is_waited_out(bench: Bench):
    is_away = [True]

    def script(messages: list[Any], info: Any) -> ModelResponse:
        if is_away[0] and len(messages) > 1:
            raise ModelHTTPError(503, "scripted:test", "The provider is away.")
        return turns([("look", {"n": 1})], "Back again.")(messages, info)

    run_id = bench.request(bench.house(script, model={"on_outage": "wait"}))
    run = await bench.waiting(run_id)
    assert run.waiting_for == "provider"
    assert run.resume_at is not None
    assert run.resume_at > clock.now()
    is_away[0] = False
    with bench.store.write() as session:
        session.execute(update(Run).where(Run.id == run_id).values(resume_at=clock.now() - timedelta(seconds=1)))
    run = await bench.over(run_id)
    assert (run.state, run.output, run.leg) == ("completed", "Back again.", 2)
    assert bench.ledger.calls("look") == [("look", {"n": 1})]


async def test_waiting_and_queued_runs_are_cancelled_at_once(bench: Bench):
    def away(messages: list[Any], info: Any) -> ModelResponse:
        raise ModelHTTPError(503, "scripted:test", "The provider is away.")

    at = bench.house(away, model={"on_outage": "wait"})
    run_id = bench.request(at)
    await bench.waiting(run_id)
    assert cancel(bench, at, run_id) == "cancelled"
    with bench.store.write() as session:
        queued = actions.request_run(session, at.who, agent="clerk", input="Please.").id
        assert actions.cancel_run(session, at.who, queued) == "cancelled"
    await asyncio.sleep(0)
    assert (await bench.store.run(bench.run, queued)).state == "cancelled"


async def test_a_replay_touches_nothing(bench: Bench):
    at = bench.house(turns([("look", {"n": 1})], [("post", {"n": 2})], "Done."))
    original = await bench.over(bench.request(at, {"subject": "Once"}))
    before = bench.ledger.calls()
    replay = await bench.over(bench.request(at, None, replay_of=original.id))
    assert (replay.state, replay.output, replay.mode) == ("completed", original.output, "replay")
    assert (replay.revision_id, replay.input) == (original.revision_id, original.input)
    assert bench.ledger.calls() == before


async def test_a_rehearsal_writes_nothing(bench: Bench):
    at = bench.house(turns([("look", {"n": 1})], [("post", {"n": 2})], "Done."))
    run = await bench.over(bench.request(at, mode="sandbox", origin="test"))
    assert run.state == "completed"
    assert bench.ledger.calls("post") == []
