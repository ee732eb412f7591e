"""The product in the probe's own process: a migrated database, an agent on a script, a tool that answers at once."""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from sqlalchemy import func, select

from signoff.app.collecting import ease_collection
from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.connectors.pool import Pool
from signoff.connectors.protocol import ToolAnswer
from signoff.engine.worker import Worker
from signoff.gateways.model.providers import register_script
from signoff.gateways.services import Services
from signoff.runs import actions
from signoff.tables.migrate import migrate
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.kit_engine import House, Script, engine_settings, house

SCRIPT = "bench"


class InstantLink:
    """An outside system that answers at once and remembers nothing."""

    hosts: tuple[str, ...] = ()
    is_alive = True

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        return ToolAnswer({"ok": args})


class InstantPool:
    async def link(self, *_: Any) -> InstantLink:
        return InstantLink()

    async def close(self) -> None:
        return None


@dataclass
class Product:
    """A store and an agent, with a worker at work."""

    store: Store
    at: House

    async def request(self, given: Any = "Please.") -> str:
        """Ask for a run, as the API does: in a thread, in one transaction."""

        def ask(session: Any) -> str:
            return actions.request_run(session, self.at.who, agent="clerk", input=given).id

        return await self.store.write_async(ask)

    async def finished(self, runs: int) -> None:
        """Return once `runs` runs have completed. Anything else is a broken measurement."""
        count = select(Run.state, func.count()).group_by(Run.state)
        while True:
            found = await self.store.read_async(lambda session: {row[0]: row[1] for row in session.execute(count)})
            if set(found) - {"completed", "running", "queued"}:
                raise RuntimeError(f"runs went wrong: {found}")
            if found.get("completed", 0) >= runs:
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def product(told: dict[str, Any], script: Script, **settings: Any) -> AsyncGenerator[Product]:
    """Yield a product on the database the probe was told of, or on a SQLite file in its folder."""
    folder = Path(told["folder"])
    url = told.get("url") or f"sqlite:///{folder / 'signoff.sqlite'}"
    migrate(url)
    register_script(SCRIPT, script)
    chosen = engine_settings(folder, url, lease_seconds=60.0, heartbeat_seconds=2.0, poll_seconds=1.0, **settings)
    store = Store.open(url)
    at = house(store, SCRIPT, limits={"turns": 1000, "tool_calls": 10_000, "same_call": 100})
    built = Services.build(chosen, store, Vault(load_keys(chosen)))
    services = replace(built, pool=cast("Pool", InstantPool()))
    worker = Worker()
    await worker.start(services)
    # As the command line does before it serves.
    ease_collection()
    try:
        yield Product(store, at)
    finally:
        await worker.stop()
        await services.close()
        store.close()


def told() -> dict[str, Any]:
    """Return what the probe was told."""
    warnings.simplefilter("ignore")
    return json.loads(sys.argv[1])


def report(figures: dict[str, float]) -> None:
    """Say what was measured."""
    print(json.dumps(figures))
