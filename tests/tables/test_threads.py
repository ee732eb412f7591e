"""The threads of a store: how long work waits for one of them."""

from __future__ import annotations

import asyncio
import threading

import pytest

from signoff.kit import clock
from signoff.tables.threads import Threads


async def taken_up(threads: Threads) -> None:
    """Return once a thread has begun what was asked for."""
    await asyncio.sleep(0)
    # Nobody tells that a thread has begun; the moment stands still, so a wait of nothing may be one.
    while threads._since:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def test_the_wait_is_that_of_the_oldest_work_and_is_over_once_it_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: now[0])
    threads, over = Threads(1), threading.Event()

    async def look() -> list[float]:
        first = asyncio.ensure_future(threads.run(over.wait))
        await taken_up(threads)
        waits, others = [threads.wait_seconds], [first]
        for _ in range(2):
            others.append(asyncio.ensure_future(threads.run(over.wait)))
            await asyncio.sleep(0)
            now[0] += 1.0
        waits.append(threads.wait_seconds)
        over.set()
        await asyncio.gather(*others)
        return [*waits, threads.wait_seconds]

    assert asyncio.run(look()) == [0.0, 2.0, 0.0]
    threads.end()


def test_work_that_nobody_waits_for_any_more_is_no_queue() -> None:
    threads, over = Threads(1), threading.Event()

    async def leave() -> None:
        first = asyncio.ensure_future(threads.run(over.wait))
        second = asyncio.ensure_future(threads.run(lambda: None))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({second})
        over.set()
        await first

    asyncio.run(leave())
    assert threads.wait_seconds == 0.0
    threads.end()
