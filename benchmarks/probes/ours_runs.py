"""Runs per second of a 5-step run (3 model calls, a read, a write) with the full trace; and what it leaves on disk."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks.product import product, report, told
from tests.engine.kit_engine import turns

STEPS = 5


async def main() -> None:
    asked = told()
    script = turns([("look", {"n": 1})], [("post", {"n": 2})], "Done.")
    runs = int(asked["runs"])
    async with product(asked, script) as made:
        await made.request()
        await made.finished(1)
        before = bytes_in(asked["folder"])
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(runs):
            await made.request()
        await made.finished(runs + 1)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        await asyncio.sleep(0.2)
    after = bytes_in(asked["folder"])
    figures = {"runs_per_second": runs / wall, "cpu_ms": cpu / runs * 1000}
    for name in after:
        figures[f"{name}_bytes_per_step"] = (after[name] - before[name]) / runs / STEPS
    report(figures)


def bytes_in(folder: str) -> dict[str, int]:
    """Return the size of each SQLite database, with its log written back into it; nothing for Postgres."""
    found: dict[str, int] = {}
    for name in ("signoff", "engine"):
        path = Path(folder) / f"{name}.sqlite"
        if path.exists():
            with closing(sqlite3.connect(path, timeout=20)) as connection:
                connection.execute("pragma wal_checkpoint(truncate)")
            found[name] = path.stat().st_size
    return found


if __name__ == "__main__":
    asyncio.run(main())
