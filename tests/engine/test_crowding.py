"""On Postgres, a process whose requests wait says so, and the workers of its machine begin fewer runs for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from signoff.engine import crowding
from signoff.engine.listener import listen
from signoff.tables.session import Store

pytestmark = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


class Hears:
    """Stands where the relay does."""

    def __init__(self) -> None:
        self.woken, self.crowds = asyncio.Event(), asyncio.Queue[str]()

    def wake(self) -> None:
        self.woken.set()

    def hear_of_crowd(self) -> None:
        self.crowds.put_nowait("crowd")


@asynccontextmanager
async def saying(store: Store, wait_seconds: Callable[[], float]) -> AsyncGenerator[Hears]:
    hears: Any = Hears()
    loops = [asyncio.create_task(listen(store.engine.url, hears))]
    # It is woken once it listens.
    await asyncio.wait_for(hears.woken.wait(), 30)
    loops.append(asyncio.create_task(crowding.tell_of_crowds(store, wait_seconds)))
    try:
        yield hears
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def test_it_is_heard_for_as_long_as_requests_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowding, "EVERY_SECONDS", 0.01)
    waits = [0.0]
    async with saying(store, lambda: waits[0]) as hears:
        waits[0] = crowding.WAIT_SECONDS
        assert [await asyncio.wait_for(hears.crowds.get(), 30) for _ in range(3)] == ["crowd"] * 3


async def test_nothing_is_said_while_none_waits_nor_heard_of_another_machine(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowding, "EVERY_SECONDS", 0.01)
    asked, calls = asyncio.Event(), count(1)

    def waits() -> float:
        if next(calls) == 3:
            asked.set()
        return 0.0

    async with saying(store, waits) as hears:
        await asyncio.wait_for(asked.wait(), 30)
        for name in ("another", "one more", crowding.machine()):
            await store.write_async(crowding.say, name)
        # What is said is heard in its order: the last was ours, and it is the first that was heard.
        assert await asyncio.wait_for(hears.crowds.get(), 30) == "crowd"
        assert hears.crowds.empty()
