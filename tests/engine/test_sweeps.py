"""What brings a run on that nobody works on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff import durable
from signoff.budgets.actions import reserve
from signoff.budgets.states import day_pot
from signoff.engine import relay
from signoff.engine.sweeps import Sweeps, _settle_unbegun
from signoff.engine.workflows import Engine
from signoff.kit import clock
from signoff.record import outbox
from signoff.runs import actions, stuck
from signoff.tables.approvals import Approval
from signoff.tables.limits import SpendCounter
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Leg, Run, RunEvent
from signoff.tables.signals import Signal
from tests.engine.conftest import Bench
from tests.engine.kit_engine import services_for, turns
from tests.engine.test_stops import request_row
from tests.rooms.runs.kit_runs import put, revision_of, run_row

AGO = timedelta(minutes=5)


def sweeps(bench: Bench) -> Sweeps:
    return Sweeps(Engine(services_for(bench.settings, bench.store, bench.ledger)))


async def test_a_run_whose_record_is_gone_fails_with_the_reason(bench: Bench):
    at = bench.house(turns("Done."))
    run = run_row(at, revision_id=revision_of(bench.store, at), state="running", started_at=clock.now() - AGO)
    leg = Leg(run_id=run.id, number=1, workspace_id=at.workspace_id, state="running", worker="gone", holds=[],
              started_at=clock.now() - AGO)  # fmt: skip
    put(bench.store, run)
    put(bench.store, leg)
    await sweeps(bench).sweep()
    found = bench.run(run.id)
    assert (found.state, found.code, found.needs_attention) == ("failed", "engine_record_lost", True)
    with bench.store.read() as session:
        assert session.get_one(Leg, (run.id, 1)).state == "stopped"


async def test_a_lost_run_holds_no_money(bench: Bench):
    at = bench.house(turns("Done."))
    run = run_row(at, revision_id=revision_of(bench.store, at), state="running", started_at=clock.now() - AGO)
    put(bench.store, run)
    put(bench.store, Leg(run_id=run.id, number=1, workspace_id=at.workspace_id, state="running", worker="gone",
                         holds=[], started_at=clock.now() - AGO))  # fmt: skip
    day = day_pot(at.workspace_id, None, time_zone="UTC", now=clock.now())
    with bench.store.write() as session:
        reserve(
            session, workspace_id=at.workspace_id, run_id=run.id, step_key="m:1:1", amount=Decimal("0.5"), pots=(day,)
        )
    await sweeps(bench).sweep()
    assert bench.run(run.id).state == "failed"
    with bench.store.read() as session:
        pot = session.get_one(SpendCounter, day.name)
        assert (pot.held_usd, pot.spent_usd) == (0, Decimal("0.5"))
        # Booked after its end, and told by its facts all the same.
        facts = session.get_one(Signal, run.id)
        assert (facts.status, facts.is_error, facts.cost_usd) == ("failed", True, Decimal("0.5"))


async def test_a_queued_run_that_no_message_speaks_of_is_started(bench: Bench):
    at = bench.house(turns("Done."))
    run = run_row(at, revision_id=revision_of(bench.store, at))
    put(bench.store, run)
    await sweeps(bench).sweep()
    assert (await bench.over(run.id)).state == "completed"


async def test_a_run_is_not_forgotten_while_another_waits(bench: Bench):
    at = bench.house(turns("Done."))
    revision = revision_of(bench.store, at)
    forgotten, queued = run_row(at, 1, revision_id=revision), run_row(at, 2, revision_id=revision)
    put(bench.store, forgotten, queued)
    with bench.store.write() as session:
        outbox.send(
            session, workspace_id=at.workspace_id, kind=actions.START, payload={"run_id": queued.id, "leg": 1},
            due_at=clock.now() + timedelta(hours=1),
        )  # fmt: skip
    await sweeps(bench).sweep()
    assert (await bench.over(forgotten.id)).state == "completed"
    assert bench.run(queued.id).state == "queued"


async def test_a_claim_whose_commit_was_not_confirmed_is_offered_again(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    at = bench.house(turns("Done."))
    claim, lost = relay.claim_fairly, list[str]()

    def committed_and_lost(session: Session, **given: Any) -> list[outbox.Message]:
        messages = claim(session, **given)
        if messages and not lost:
            lost.extend(message.id for message in messages)
            # What the relay is told once the rows are claimed: as if the connection had gone with the answer.
            return []
        return messages

    monkeypatch.setattr(relay, "claim_fairly", committed_and_lost)
    run_id = bench.request(at)
    await bench.until(run_id, lambda _: bool(lost), "the claim")
    await sweeps(bench).sweep()
    assert bench.run(run_id).state == "queued"  # It was claimed a moment ago, and may be on its way to the relay.
    monkeypatch.setattr("signoff.engine.sweeps._UNCONFIRMED_SECONDS", 0.0)
    await sweeps(bench).sweep()
    assert (await bench.over(run_id)).state == "completed"


async def test_what_the_relay_has_in_hand_is_not_offered_again(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    at, carried, go_on = bench.house(turns("Done.")), list[str](), asyncio.Event()

    async def slowly(_: Any, message: outbox.Message) -> None:
        carried.append(message.id)
        await go_on.wait()

    monkeypatch.setitem(relay.HANDLERS, "slow.test", slowly)
    monkeypatch.setattr("signoff.engine.sweeps._UNCONFIRMED_SECONDS", 0.0)
    with bench.store.write() as session:
        message = outbox.send(session, workspace_id=at.workspace_id, kind="slow.test", payload={})
    await until(lambda: carried == [message])
    engine = bench.worker._engine
    assert engine is not None
    await Sweeps(engine).sweep()
    with bench.store.read() as session:
        assert session.get_one(OutboxMessage, message).claimed_by == durable.worker_id()
    go_on.set()
    await until(lambda: not engine.in_hand)
    with bench.store.read() as session:
        done = session.get_one(OutboxMessage, message)
        assert (done.done_at is not None, done.attempts, carried) == (True, 1, [message])


async def test_a_leg_that_has_begun_is_not_given_up_as_unbegun(bench: Bench):
    at = bench.house(turns("Done."))
    revision = revision_of(bench.store, at)
    held = run_row(at, 1, revision_id=revision, state="waiting", waiting_for="reconciliation")
    never = run_row(at, 2, revision_id=revision)
    put(bench.store, held, never)
    for run in (held, never):
        with bench.store.write() as session:
            _settle_unbegun(session, run.id, 1)
    assert [bench.run(run.id).state for run in (held, never)] == ["waiting", "failed"]


async def test_what_the_dead_had_claimed_is_offered_again(bench: Bench):
    at = bench.house(turns("Done."))
    run = run_row(at, revision_id=revision_of(bench.store, at))
    put(bench.store, run)
    with bench.store.write() as session:
        message = outbox.send(
            session, workspace_id=at.workspace_id, kind=actions.START, payload={"run_id": run.id, "leg": 1},
            due_at=clock.now() + timedelta(hours=1),
        )  # fmt: skip
        session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message)
            .values(claimed_by="a-dead-worker", due_at=clock.now() - AGO)
        )
    await sweeps(bench).sweep()
    assert (await bench.over(run.id)).state == "completed"


async def test_a_run_ten_times_as_long_as_usual_is_called_off(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    # The worker beside this test sweeps too, and would find that this run has no record.
    monkeypatch.setattr("signoff.engine.sweeps._LOST_AFTER_SECONDS", 86_400.0)
    at = bench.house(turns("Done."))
    revision, now = revision_of(bench.store, at), clock.now()
    usual: list[Any] = [
        run_row(at, number, revision_id=revision, state="completed", started_at=now - AGO,
                ended_at=now - AGO + timedelta(seconds=7))
        for number in range(5)
    ]  # fmt: skip
    # Its shadows are over at once, which says nothing of how long its work takes.
    usual += [
        run_row(at, number, revision_id=revision, state="completed", mode="shadow", started_at=now - AGO,
                ended_at=now - AGO)
        for number in range(10, 20)
    ]  # fmt: skip
    long = run_row(at, 9, revision_id=revision, state="running", started_at=now - AGO)
    put(bench.store, *usual, long)
    put(bench.store, Leg(run_id=long.id, number=1, workspace_id=at.workspace_id, state="running", worker="w", holds=[],
                         started_at=now - AGO))  # fmt: skip
    with bench.store.read() as session:
        assert stuck.usual_seconds(session, at.agent_id) == 7.0
    sweeping = sweeps(bench)
    await sweeping._end_too_long()
    # It may have lain still while no process was there: only the time since counts.
    assert not bench.run(long.id).is_cancel_requested
    sweeping.watching_since = now - AGO
    await sweeping._end_too_long()
    found = bench.run(long.id)
    assert (found.is_cancel_requested, found.code) == (True, "ran_too_long")
    assert found.reason
    assert "7 s" in found.reason
    alert = await bench.alert(f"too-long:{long.id}")
    assert (alert.kind, alert.detail, found.reason in alert.text) == ("ran_too_long", {"run": long.id}, True)


async def test_a_gap_between_two_sweeps_was_sleep_and_does_not_count(bench: Bench):
    bench.house(turns("Done."))
    sweeping = sweeps(bench)
    began = sweeping.watching_since
    sweeping._note_sleep()
    assert sweeping.watching_since == began
    sweeping._swept_at -= AGO
    sweeping._note_sleep()
    assert sweeping.watching_since > began


async def test_four_runs_are_too_few_to_know_what_is_usual(bench: Bench):
    at = bench.house(turns("Done."))
    rows = [run_row(at, number, revision_id=revision_of(bench.store, at), state="completed") for number in range(4)]
    put(bench.store, *rows)
    with bench.store.read() as session:
        assert stuck.usual_seconds(session, at.agent_id) is None


async def test_nothing_is_kept_for_ever(bench: Bench):
    at = bench.house(turns([("look", {"n": 1})], "Done."))
    run_id = bench.request(at)
    await bench.over(run_id)
    await bench.store.run(lambda: None)
    assert await durable.outcomes([f"{run_id}/1"])
    assert await durable.forget_ended(older_than_seconds=3_600, limit=10) == 0
    while (await durable.outcomes([f"{run_id}/1"]))[f"{run_id}/1"] == "PENDING":
        await durable_moment()
    assert await durable.forget_ended(older_than_seconds=-60, limit=10) == 1
    assert await durable.outcomes([f"{run_id}/1"]) == {}
    with bench.store.write() as session:
        session.execute(update(OutboxMessage).values(done_at=clock.now() - timedelta(days=2)))
    await sweeps(bench).sweep()
    with bench.store.read() as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
        assert session.scalar(select(func.count()).select_from(RunEvent).where(RunEvent.kind == "text")) == 0
        assert session.get_one(Run, run_id).state == "completed"


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():
            await durable_moment()


async def durable_moment() -> None:
    await asyncio.sleep(0.01)


async def test_a_request_that_a_crash_left_waiting_is_withdrawn_by_a_sweep(bench: Bench):
    at = bench.house(turns("Done."))
    revision = revision_of(bench.store, at)
    run = run_row(at, revision_id=revision, state="failed", started_at=clock.now() - AGO, ended_at=clock.now() - AGO)
    put(bench.store, run)
    put(bench.store, request_row(at, run.id, revision))
    await sweeps(bench).sweep()
    with bench.store.read() as session:
        request = session.scalars(select(Approval)).one()
    assert (request.state, request.decided_by_name, request.reason) == ("withdrawn", "Signoff", "its run is failed")
