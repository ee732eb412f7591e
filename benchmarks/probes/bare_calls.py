"""The same conversation on the agent library alone: a scripted model, tools that are functions."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from pydantic_ai import Agent, UsageLimits
from pydantic_ai.models.function import FunctionModel

from benchmarks.conversation import conversation
from benchmarks.product import report, told


async def main() -> None:
    asked = told()
    script = conversation(int(asked["model_calls"]), int(asked["tool_calls"]))

    async def play(messages: Any, info: Any) -> Any:
        return script(messages, info)

    async def one() -> None:
        agent = Agent(FunctionModel(play), instructions="Do the work.")

        @agent.tool_plain
        async def erp_look(n: int) -> dict[str, Any]:
            return {"ok": {"n": n}}

        await agent.run("Please.", usage_limits=UsageLimits(request_limit=None))

    await one()
    runs = int(asked["runs"])
    cpu = time.process_time()
    for _ in range(runs):
        await one()
    report({"cpu_ms": (time.process_time() - cpu) / runs * 1000})


if __name__ == "__main__":
    asyncio.run(main())
