"""Runs per second of a 5-node LangGraph graph that does nothing, each node kept by its Postgres checkpointer.

Runs in an environment of its own, so it imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, TypedDict

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

AT_ONCE = 32


class State(TypedDict):
    values: list[int]


def graph(steps: int) -> Any:
    """Return a chain of nodes, each adding one value."""
    made: Any = StateGraph(State)
    for number in range(steps):

        async def node(state: State, number: int = number) -> State:
            return {"values": [*state["values"], number]}

        made.add_node(f"n{number}", node)
        made.add_edge(f"n{number - 1}" if number else START, f"n{number}")
    made.add_edge(f"n{steps - 1}", END)
    return made


async def main() -> None:
    asked = json.loads(sys.argv[1])
    runs, steps = int(asked["runs"]), int(asked["steps"])
    url = asked["url"].replace("postgresql+psycopg://", "postgresql://", 1)
    options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    async with AsyncConnectionPool(url, max_size=8, min_size=8, kwargs=options, open=False) as pool:
        saver = AsyncPostgresSaver(pool)
        await saver.setup()
        compiled = graph(steps).compile(checkpointer=saver)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with room:
                told = {"configurable": {"thread_id": f"run-{number}"}}
                await compiled.ainvoke({"values": []}, told, durability="sync")

        await one(-1)
        cpu, wall = time.process_time(), time.perf_counter()
        await asyncio.gather(*(one(number) for number in range(runs)))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"runs_per_second": runs / wall, "cpu_ms": cpu / runs * 1000}))


if __name__ == "__main__":
    asyncio.run(main())
