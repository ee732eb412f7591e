"""An engine at work in the test's own event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from signoff.engine.worker import Worker
from signoff.gateways.model.providers import forget_script, register_script
from signoff.runs import actions
from signoff.runs.states import is_over
from signoff.settings import Settings
from signoff.tables.runs import Effect, Run, Step
from signoff.tables.session import Store
from signoff.tables.watch import Alert
from tests.engine.kit_engine import Behave, House, Ledger, Script, engine_settings, house, services_for


@dataclass
class Bench:
    """What a test of the engine works with."""

    store: Store
    settings: Settings
    ledger: Ledger
    worker: Worker
    behave: dict[str, Any]

    def house(self, script: Script, **changes: Any) -> House:
        """A workspace whose agent follows `script`."""
        register_script("test", script)
        return house(self.store, "test", **changes)

    def request(self, at: House, given: Any = "Please.", **more: Any) -> str:
        with self.store.write() as session:
            return actions.request_run(session, at.who, agent=more.pop("agent", "clerk"), input=given, **more).id

    def run(self, run_id: str) -> Run:
        with self.store.read() as session:
            return session.get_one(Run, run_id)

    def steps(self, run_id: str) -> list[Step]:
        with self.store.read() as session:
            return list(session.scalars(select(Step).where(Step.run_id == run_id).order_by(Step.seq)))

    def effects(self, run_id: str) -> list[Effect]:
        with self.store.read() as session:
            return list(session.scalars(select(Effect).where(Effect.run_id == run_id)))

    async def until(self, run_id: str, is_so: Callable[[Run], bool], what: str) -> Run:
        """Return the run once `is_so`; the limit is for a test that would hang."""
        async with asyncio.timeout(60):
            while True:
                run = await self.store.run(self.run, run_id)
                if is_so(run):
                    return run
                if is_over(run.state):
                    raise AssertionError(f"wanted {what}, but the run is {run.state}: {run.code} {run.reason}")
                await asyncio.sleep(0.01)

    async def alert(self, key: str) -> Alert:
        """Return the open alert for `key` once it is raised."""

        def look() -> Alert | None:
            with self.store.read() as session:
                return session.scalar(select(Alert).where(Alert.open_key == key))

        async with asyncio.timeout(60):
            while True:
                found = await self.store.run(look)
                if found is not None:
                    return found
                await asyncio.sleep(0.01)

    async def over(self, run_id: str) -> Run:
        return await self.until(run_id, lambda run: is_over(run.state), "the end")

    async def waiting(self, run_id: str) -> Run:
        return await self.until(run_id, lambda run: run.state == "waiting", "waiting")


@pytest.fixture
def stopped_bench(store: Store, tmp_path: Path, database_url: str) -> Bench:
    """A bench whose worker has not been started."""
    settings = engine_settings(tmp_path / "data", database_url)
    return Bench(store, settings, Ledger(tmp_path / "ledger.sqlite"), Worker(), {})


@pytest.fixture
async def bench(stopped_bench: Bench) -> AsyncGenerator[Bench]:
    """A bench with a worker at work."""
    made = stopped_bench

    def behave(tool: str, args: dict[str, Any]) -> Any:
        chosen: Behave | None = made.behave.get(tool)
        return chosen(tool, args) if chosen else None

    services = services_for(made.settings, made.store, made.ledger, behave)
    await made.worker.start(services)
    yield made
    await made.worker.stop()
    await services.close()
    forget_script("test")
