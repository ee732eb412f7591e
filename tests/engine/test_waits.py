"""A wait of the engine's loops is ended by a cancellation, whatever else happens at that moment."""

from __future__ import annotations

import asyncio

import pytest

from signoff.engine.flights import come_or_time_out

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_is_not_lost_to_the_event_that_comes_with_it(turns: int) -> None:
    event, rounds = asyncio.Event(), 0

    async def loop() -> None:
        nonlocal rounds
        while True:
            await come_or_time_out(event, 3600)
            event.clear()
            rounds += 1

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    event.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    _, left = await asyncio.wait({task}, timeout=5)
    assert not left
    assert task.cancelled()
    assert rounds <= 1


async def test_a_wait_ends_with_its_event_and_with_its_time() -> None:
    event = asyncio.Event()
    await asyncio.wait_for(come_or_time_out(event, 0.001), 30)
    event.set()
    await asyncio.wait_for(come_or_time_out(event, 3600), 30)
    assert event.is_set()
