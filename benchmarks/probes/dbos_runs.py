"""Runs per second of a bare DBOS workflow of so many steps that do nothing; same settings as the product's."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig

from benchmarks.product import report, told
from signoff.durable import sqlite
from signoff.durable.serializer import JsonSerializer

AT_ONCE = 32


async def step(number: int) -> dict[str, Any]:
    return {"kind": "value", "value": {"ok": {"n": number}}}


@DBOS.workflow(name="bare")
async def bare(run_id: str, steps: int) -> str:
    for number in range(steps):
        await DBOS.run_step_async({"name": f"step{number}"}, step, number)
    return "completed"


def config(asked: dict[str, Any]) -> DBOSConfig:
    """Return the product's own settings of the engine."""
    url = asked.get("url") or f"sqlite:///{Path(asked['folder']) / 'engine.sqlite'}"
    made = DBOSConfig(
        name="bare", system_database_url=url.replace("postgresql+psycopg://", "postgresql://", 1), log_level="ERROR",
        serializer=JsonSerializer(), max_executor_threads=8, sys_db_pool_size=8, application_version="bare",
    )  # fmt: skip
    made["db_engine_kwargs"] = sqlite.engine_options(url) if url.startswith("sqlite") else {"pool_pre_ping": False}
    return made


async def main() -> None:
    asked = told()
    runs, steps = int(asked["runs"]), int(asked["steps"])
    DBOS(config=config(asked))
    DBOS.launch()
    room = asyncio.Semaphore(int(asked.get("at_once", AT_ONCE)))

    async def one(number: int) -> None:
        async with room:
            handle = await DBOS.start_workflow_async(bare, f"run-{number}", steps)
            await handle.get_result()

    await one(0)
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(runs)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    report({"runs_per_second": runs / wall, "cpu_ms": cpu / runs * 1000})
    await asyncio.to_thread(DBOS.destroy)


if __name__ == "__main__":
    asyncio.run(main())
