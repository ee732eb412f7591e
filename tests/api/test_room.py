"""More runs than can be taken: told at once, in words a program understands, and nobody else is kept out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from signoff.api import room
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.acceptance.product import until
from tests.api.world import World

STARTS = {
    "/v1/acme/agents/helper:execute": {"input": "a"},
    "/v1/acme/runs/{run}:replay": {},
    "/v1/orchestrations/run": {"external_id": "x", "input_data": {"agent": "helper"}},
}
THREADS = 8


@contextmanager
def behind(store: Store) -> Generator[None]:
    """Every thread of the store is at work, and one more piece of work waits."""
    over = threading.Event()

    async def ask() -> None:
        await asyncio.gather(*(store.run(over.wait) for _ in range(THREADS + 1)))

    asking = threading.Thread(target=lambda: asyncio.run(ask()))
    asking.start()
    try:
        until(lambda: store.wait_seconds, "the threads to be taken")
        yield
    finally:
        over.set()
        asking.join()


def runs(world: World) -> int:
    with world.store.read() as session:
        return session.scalar(select(func.count()).select_from(Run)) or 0


@pytest.mark.parametrize("path", STARTS)
def test_a_run_that_would_wait_too_long_is_refused_at_once_and_taken_later(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(room, "WAIT_SECONDS_MAX", 0.0)
    before = runs(world)
    where, headers = path.format(run=world.ids["run"]), {"Idempotency-Key": "once"}
    with world.client(key=world.keys["admin"]) as client:
        # Nothing of it is asked of the threads: it would never be answered.
        for store in (world.house.door, world.house.store):
            with behind(store):
                refused = client.post(where, json=STARTS[path], headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (503, "crowded")
            assert 1 <= int(refused.headers["Retry-After"]) <= 6
        assert runs(world) == before
        later = client.post(where, json=STARTS[path], headers=headers)
        assert later.json().get("code") != "crowded"


def test_the_engine_does_not_wait_for_requests_nor_they_for_it(world: World) -> None:
    with behind(world.house.services.store), world.client(key=world.keys["admin"]) as client:
        assert client.post("/v1/acme/agents/helper:execute", json={"input": "a"}).status_code == 202
    with behind(world.house.store), behind(world.house.door):
        assert asyncio.run(world.house.services.store.read_async(lambda session: session.scalar(select(1)))) == 1
