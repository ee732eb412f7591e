"""How long a run waits between the commit of its request and the beginning of its first leg."""

from __future__ import annotations

import asyncio
import statistics

from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.product import Product, product, report, told
from signoff.tables.runs import Run
from tests.engine.kit_engine import turns

OTHERS = 4


async def main() -> None:
    asked = told()
    script = turns([("look", {"n": 1})], "Done.")
    starts = int(asked["runs"])
    async with product(asked, script) as made:
        await made.request()
        await made.finished(1)
        others = [asyncio.create_task(keep_busy(made)) for _ in range(OTHERS if asked["is_busy"] else 0)]
        mine: list[str] = []
        for _ in range(starts):
            await asyncio.sleep(0.25)
            mine.append(await made.request())
        await asyncio.gather(*(over(made, run_id) for run_id in mine))
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        waited = await made.store.read_async(
            lambda session: [
                (row.started_at - row.created_at).total_seconds() * 1000
                for row in session.execute(select(Run.started_at, Run.created_at).where(Run.id.in_(mine)))
            ]
        )
    report({"p50_ms": statistics.median(waited), "p95_ms": sorted(waited)[int(len(waited) * 0.95)]})


async def keep_busy(made: Product) -> None:
    """One client that asks for the next run when the last is over: so many are always under way."""
    while True:
        await over(made, await made.request())


async def over(made: Product, run_id: str) -> None:
    def state(session: Session) -> str | None:
        return session.scalar(select(Run.state).where(Run.id == run_id))

    while await made.store.read_async(state) != "completed":  # noqa: ASYNC110  # Asks as a client would.
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main())
