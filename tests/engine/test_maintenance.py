"""Under maintenance a worker begins nothing, finishes what runs, and goes on with everything once it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from signoff.engine import relay, sweeps
from signoff.freezes.lookout import Lookout
from signoff.freezes.maintenance import begin, end
from signoff.gateways.model.providers import forget_script
from signoff.record import outbox
from signoff.record.actor import SYSTEM
from signoff.tables.record import OutboxMessage
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, services_for, turns


@pytest.fixture
async def quick(stopped_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Bench]:
    """A worker that looks for maintenance with every turn."""
    made = stopped_bench
    for module in (relay, sweeps):
        monkeypatch.setattr(module, "Lookout", partial(Lookout, kept_seconds=0))

    def behave(tool: str, args: dict[str, Any]) -> Any:
        chosen = made.behave.get(tool)
        return chosen(tool, args) if chosen else None

    services = services_for(made.settings, made.store, made.ledger, behave)
    await made.worker.start(services)
    yield made
    await made.worker.stop()
    await services.close()
    forget_script("test")


async def a_turn(bench: Bench, at: House) -> None:
    """Return once the relay has looked at everything that waited before this was called."""

    def look() -> bool:
        with bench.store.read() as session:
            return session.get_one(OutboxMessage, message).done_at is not None

    with bench.store.write() as session:
        message = outbox.send(session, workspace_id=at.workspace_id, kind="nobody.handles", payload={})
    async with asyncio.timeout(60):
        while True:
            if await bench.store.run(look):
                return
            await asyncio.sleep(0.01)


async def test_what_runs_is_finished_what_is_queued_waits_and_nothing_is_lost(quick: Bench):
    going_on = asyncio.Event()

    async def slow(tool: str, args: dict[str, Any]) -> None:
        await going_on.wait()

    quick.behave["look"] = slow
    at = quick.house(turns([("look", {"n": 1})], [("post", {"n": 2})], "Done."))
    running = quick.request(at)
    await quick.until(running, lambda run: run.state == "running", "running")
    with quick.store.write() as session:
        begin(session, SYSTEM, reason="A new disk.")
    queued = [quick.request(at, f"Number {n}") for n in range(3)]
    await a_turn(quick, at)
    assert {quick.run(run).state for run in queued} == {"queued"}
    going_on.set()
    assert (await quick.over(running)).state == "completed"
    await a_turn(quick, at)
    assert {quick.run(run).state for run in queued} == {"queued"}
    with quick.store.read() as session:
        waiting = session.scalars(select(OutboxMessage).where(OutboxMessage.done_at.is_(None))).all()
    assert [(message.claimed_by, message.attempts) for message in waiting] == [(None, 0)] * 3
    with quick.store.write() as session:
        end(session, SYSTEM)
    assert {(await quick.over(run)).state for run in queued} == {"completed"}
    assert len(quick.ledger.calls("post")) == 4
