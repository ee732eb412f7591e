"""One click that stops an agent with a long queue: how long it takes, and how long others wait meanwhile."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from sqlalchemy import insert, select

from benchmarks.product import SCRIPT, Product, product, report, told
from signoff.kit import clock, ids
from signoff.runs import actions
from signoff.runs.stops import stop_order
from signoff.tables.agents import Revision
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run
from tests.engine.kit_engine import agent

_ROWS_AT_ONCE = 5_000
_PAUSE_SECONDS = 0.05


async def script(messages: list[Any], info: Any) -> Any:
    """Think for ever: what runs has to be called off."""
    await asyncio.sleep(3_600)


def fill(made: Product, runs: int) -> None:
    """Queue runs as they are after they were asked for: a row, and the message that would start it."""
    at, moment = made.at, clock.now()
    with made.store.read() as session:
        revision = session.scalars(select(Revision.id).where(Revision.agent_id == at.agent_id)).one()
    for start in range(0, runs, _ROWS_AT_ONCE):
        rows, messages = [], []
        for number in range(start, min(start + _ROWS_AT_ONCE, runs)):
            run_id = ids.new_id("run")
            rows.append(
                {
                    "id": run_id, "workspace_id": at.workspace_id, "environment_id": at.environment_id,
                    "agent_id": at.agent_id, "revision_id": revision, "agent_slug": "clerk", "agent_name": "Clerk",
                    "revision_number": 1, "state": "queued", "origin": "production", "source": "api", "mode": "live",
                    "requested_by": "mem_x", "requested_by_name": "X", "title": f"Run {number}",
                    "search_text": f"run {number}", "input": {"n": number}, "output": None, "created_at": moment,
                }
            )  # fmt: skip
            messages.append(
                {
                    "id": ids.new_id("out"), "workspace_id": at.workspace_id, "kind": actions.START,
                    "payload": {"run_id": run_id, "leg": 1}, "created_at": moment, "due_at": moment, "attempts": 0,
                }
            )  # fmt: skip
        with made.store.write() as session:
            session.execute(insert(Run), rows)
            session.execute(insert(OutboxMessage), messages)


async def main() -> None:
    """Measure."""
    given = told()
    async with product(given, script, worker_concurrency=8) as made:
        agent(made.store, made.at, SCRIPT, slug="other")
        await asyncio.to_thread(fill, made, int(given["runs"]))
        started = time.perf_counter()

        def click(session: Any) -> str:
            return actions.stop_agent(session, made.at.who, "clerk", reason="Stop.")

        order = await made.store.write_async(click)
        clicked = time.perf_counter() - started
        waits: list[float] = []
        while True:
            before = time.perf_counter()
            await made.store.write_async(
                lambda session: actions.request_run(session, made.at.who, agent="other", input="x", source="api")
            )
            waits.append(time.perf_counter() - before)
            found = await made.store.read_async(lambda session: stop_order(session, made.at.who, order))
            if found.state == "done":
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        if found.cancelled + found.asked < given["runs"]:
            raise RuntimeError(f"not all were stopped: {found}")
        report(
            {
                "seconds": found.seconds or 0.0, "click_ms": clicked * 1000,
                "others_p50_ms": sorted(waits)[len(waits) // 2] * 1000, "others_max_ms": max(waits) * 1000,
            }
        )  # fmt: skip


if __name__ == "__main__":
    asyncio.run(main())
