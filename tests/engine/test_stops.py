"""The three stops on a worker at work: pause, freeze, stop; and what is measured of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.agents.actions import pause_agent, resume_agent
from signoff.agents.pauses import pauses_of
from signoff.freezes.actions import order_freeze
from signoff.kit import clock
from signoff.kit.errors import NotNow
from signoff.record.marks import reach_of
from signoff.runs import actions
from signoff.runs.actions.request import AgentPaused
from signoff.runs.filters import RunFilter
from signoff.runs.stops import StopFacts, stop_order
from signoff.tables.approvals import Approval
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.runs import Run, RunEvent
from signoff.tables.stops import AgentPause
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, agent, turns
from tests.rooms.runs.kit_runs import put, revision_of, run_row


async def measured(bench: Bench, at: House, order: str) -> StopFacts:
    """The order once everything it named has ended."""
    async with asyncio.timeout(60):
        while True:
            with bench.store.read() as session:
                found = stop_order(session, at.who, order)
            if found.state == "done":
                return found
            await asyncio.sleep(0.02)


def hanging(bench: Bench) -> asyncio.Event:
    """Let every post hang; return what is set once one does."""
    reached = asyncio.Event()

    async def hang(tool: str, args: dict[str, Any]) -> None:
        reached.set()
        await asyncio.sleep(60)

    bench.behave["post"] = hang
    return reached


async def test_a_paused_agent_finishes_what_runs_and_starts_nothing_until_it_is_resumed(bench: Bench):
    going_on = asyncio.Event()

    async def slow(tool: str, args: dict[str, Any]) -> None:
        await going_on.wait()

    bench.behave["look"] = slow
    at = bench.house(turns([("look", {"n": 1})], "Done."))
    running = bench.request(at)
    await bench.until(running, lambda run: run.state == "running", "running")
    queued = run_row(at, 1, revision_id=revision_of(bench.store, at), moment=clock.now() - timedelta(hours=1))
    put(bench.store, queued)
    with bench.store.write() as session:
        pause_agent(session, at.who, "clerk", reason="Something is odd.")
    with pytest.raises(AgentPaused) as refused:
        bench.request(at)
    assert "Something is odd." in refused.value.detail
    assert refused.value.extra["until"] is None
    by_itself = await bench.over(bench.request(at, source="schedule"))
    assert (by_itself.state, by_itself.code) == ("rejected", "agent_paused")
    going_on.set()
    assert (await bench.over(running)).state == "completed"
    assert (await bench.over(bench.request(at, origin="test"))).state == "completed"
    assert bench.run(queued.id).state == "queued"
    with bench.store.write() as session:
        resume_agent(session, at.who, "clerk")
    assert (await bench.over(queued.id)).state == "completed"
    assert (await bench.over(bench.request(at))).state == "completed"


async def test_a_run_asked_for_before_the_pause_waits_in_the_queue_and_a_pause_ends_by_its_time(bench: Bench):
    at = bench.house(turns("Done."))
    with bench.store.write() as session:
        pause = pause_agent(session, at.who, "clerk", reason="Maintenance.", until=clock.now() + timedelta(hours=1))
        # Asked for a moment before: its message is on its way.
        session.add(run_row(at, 1, revision_id=revision_of(bench.store, at), moment=clock.now()))
        session.flush()
        run_id = session.scalars(select(Run.id)).one()
        session.add(
            OutboxMessage(
                id="out_early", workspace_id=at.workspace_id, kind=actions.START, payload={"run_id": run_id, "leg": 1},
                created_at=clock.now(), due_at=clock.now(),
            )
        )  # fmt: skip
    with bench.store.write() as session:
        actions.request_run(session, at.who, agent="clerk", input="x", origin="test")
    async with asyncio.timeout(30):
        while True:
            with bench.store.read() as session:
                message = session.get_one(OutboxMessage, "out_early")
            if message.due_at > clock.now() + timedelta(minutes=30):
                break
            await asyncio.sleep(0.02)
    assert (message.done_at, bench.run(run_id).state) == (None, "queued")
    past = clock.now() - timedelta(seconds=1)
    with bench.store.write() as session:
        session.execute(update(AgentPause).where(AgentPause.id == pause).values(until=past))
        session.execute(update(OutboxMessage).where(OutboxMessage.id == "out_early").values(due_at=past))
    assert (await bench.over(run_id)).state == "completed"
    with bench.store.read() as session:
        assert pauses_of(session, [at.agent_id]) == {}
    assert bench.request(at)


async def test_a_stop_ends_what_runs_waits_and_is_queued_and_nothing_of_others(bench: Bench):
    reached = hanging(bench)
    at = bench.house(turns([("post", {"n": 1})], "Done."))
    other = House(at.workspace_id, agent(bench.store, at, "test", slug="other"), at.connection_id, at.environment_id)
    running = bench.request(at)
    await reached.wait()
    revision = revision_of(bench.store, at)
    old = clock.now() - timedelta(seconds=5)
    waiting = run_row(at, 1, revision_id=revision, state="waiting", waiting_for="approval", moment=old)
    queued = [run_row(at, number, revision_id=revision, moment=old) for number in range(2, 40)]
    foreign = run_row(other, 90, revision_id=revision, state="waiting", waiting_for="approval", moment=old)
    put(bench.store, waiting, foreign, *queued)
    put(bench.store, request_row(at, waiting.id, revision))
    with bench.store.write() as session:
        order = actions.stop_agent(session, at.who, "clerk", reason="It went wrong.")
        first = stop_order(session, at.who, order)
    assert (first.found.queued, first.found.running, first.found.waiting) == (38, 1, 1)
    done = await measured(bench, at, order)
    assert (done.cancelled, done.asked) == (39, 1)
    assert done.seconds is not None
    assert (await bench.over(running)).state == "cancelled"
    for run_id in (running, waiting.id, queued[0].id):
        row = bench.run(run_id)
        assert (row.state, row.code, row.reason) == ("cancelled", "cancelled", "It went wrong.")
    assert bench.run(foreign.id).state == "waiting"
    with bench.store.read() as session:
        assert session.scalars(select(Approval.state)).one() == "withdrawn"
        kinds = session.execute(
            select(RunEvent.kind, RunEvent.data).where(RunEvent.run_id == queued[0].id).order_by(RunEvent.id)
        ).all()
        audited = set(session.scalars(select(AuditRow.action)))
    assert [kind for kind, _ in kinds] == ["error"]
    assert (kinds[0][1]["id"], kinds[0][1]["state"]) == (queued[0].id, "cancelled")
    assert {"agent.stopped", "agent.paused", "stop.measured"} <= audited
    with pytest.raises(AgentPaused):
        bench.request(at)
    with bench.store.write() as session, pytest.raises(NotNow):
        pause_agent(session, at.who, "clerk", reason="Again.")


async def test_more_than_one_batch_by_a_filter_leaves_the_rest(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("signoff.runs.actions.stop.AT_ONCE", 3)
    monkeypatch.setattr("signoff.runs.actions.stop.BATCH", 4)
    at = bench.house(turns("Done."))
    revision, old = revision_of(bench.store, at), clock.now() - timedelta(seconds=5)
    waits = {"revision_id": revision, "state": "waiting", "waiting_for": "question", "moment": old}
    put(bench.store, *(run_row(at, number, **waits, source="api") for number in range(20)))
    put(bench.store, *(run_row(at, number, **waits, source="cli") for number in range(20, 25)))
    with bench.store.write() as session:
        order = actions.cancel_matching(session, at.who, RunFilter(source="api"), reason="Too many.")
        assert stop_order(session, at.who, order).cancelled == 3
    assert (await measured(bench, at, order)).cancelled == 20
    with bench.store.read() as session:
        left = select(Run.source, func.count()).where(Run.state == "waiting").group_by(Run.source)
        counted = [tuple(row) for row in session.execute(left)]
    assert counted == [("cli", 5)]


async def test_every_order_is_known_to_the_worker_and_the_time_is_kept(bench: Bench):
    at = bench.house(turns("Done."))
    with bench.store.write() as session:
        marks = [
            pause_agent(session, at.who, "clerk", reason="Look."),
            order_freeze(session, at.who, scope="agent", target_id=at.agent_id, reason="Look."),
            actions.stop_agent(session, at.who, "clerk", reason="Look."),
        ]
    async with asyncio.timeout(30):
        while True:
            with bench.store.read() as session:
                found = reach_of(session, marks)
            if len(found) == 3:
                break
            await asyncio.sleep(0.05)
    assert [found[mark].workers for mark in marks] == [1, 1, 1]
    assert all(found[mark].seconds is not None for mark in marks)


def request_row(at: House, run_id: str, revision: str) -> Approval:
    """A request of a run that nobody has answered."""
    return Approval(
        id="apr_x", workspace_id=at.workspace_id, environment_id=at.environment_id, agent_id=at.agent_id,
        revision_id=revision, run_id=run_id, leg=1, call_id="c1", agent_name="Clerk", revision_number=1,
        run_requested_by="mem_x", kind="approval", state="pending", gate="g", asked_by_policy="gate", why="", args={},
        binding="x", title="t", summary="", card={}, rule={}, quorum=1, decision=None, created_at=clock.now(),
    )  # fmt: skip
