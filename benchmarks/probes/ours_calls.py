"""CPU of one run with so many model calls, and so many tool calls after each but the last; one run at a time."""

from __future__ import annotations

import asyncio
import time

from benchmarks.conversation import conversation
from benchmarks.product import product, report, told


async def main() -> None:
    asked = told()
    script = conversation(int(asked["model_calls"]), int(asked["tool_calls"]))
    runs = int(asked["runs"])
    async with product(asked, script, tool_calls_per_turn_max=64) as made:
        await made.request()
        await made.finished(1)
        cpu = time.process_time()
        for number in range(runs):
            await made.request()
            await made.finished(number + 2)
        cpu = time.process_time() - cpu
    report({"cpu_ms": cpu / runs * 1000})


if __name__ == "__main__":
    asyncio.run(main())
