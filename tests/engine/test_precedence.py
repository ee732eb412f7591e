"""Requests go first: how many runs a serving process begins while requests come fast, and once they stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from signoff.engine.precedence import WINDOW_SECONDS, Precedence
from signoff.engine.worker import Worker
from signoff.kit import clock
from signoff.runs.states import is_over
from signoff.tables.session import Store
from tests.engine.conftest import Bench
from tests.engine.kit_engine import calling, services_for


@dataclass
class Requests:
    """Stands where the store of requests does."""

    asked_seconds: float = 0.0


@dataclass
class Front:
    """A process that serves and works, window by window."""

    requests: Requests
    precedence: Precedence
    now: list[float]

    def window(self, under_way: float, free: int = 32) -> int:
        """Let one window pass with so many requests under way; return how many runs may begin in the next."""
        self.now[0] += WINDOW_SECONDS
        self.requests.asked_seconds += under_way * WINDOW_SECONDS
        places = self.precedence.places(free)
        self.precedence.began(places)
        return places


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Front]:
    now = [100.0]
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: now[0])

    def make(least: float) -> Front:
        requests = Requests()
        return Front(requests, Precedence([requests], least_per_second=least), now)  # pyright: ignore[reportArgumentType]

    return make


def test_every_free_place_is_taken_while_few_requests_come(front: Callable[[float], Front]) -> None:
    at = front(4.0)
    assert [at.window(0.3) for _ in range(3)] == [32, 32, 32]
    assert not at.precedence.is_held_back


def test_many_requests_leave_the_least_and_never_nothing(front: Callable[[float], Front]) -> None:
    at = front(4.0)
    assert [at.window(20.0) for _ in range(5)] == [1, 1, 1, 1, 1]
    assert at.precedence.is_held_back


def test_a_least_of_less_than_one_in_a_window_is_one_every_few(front: Callable[[float], Front]) -> None:
    at = front(1.0)
    assert [at.window(20.0) for _ in range(8)] == [0, 0, 0, 1, 0, 0, 0, 1]


def test_within_a_window_no_more_begin_than_it_allows(front: Callable[[float], Front]) -> None:
    at = front(8.0)
    assert at.window(20.0) == 2
    assert (at.precedence.places(32), at.precedence.rest_seconds) == (0, WINDOW_SECONDS)


def test_it_is_let_go_step_by_step_once_few_come_and_kept_while_it_is_between(front: Callable[[float], Front]) -> None:
    at = front(4.0)
    at.window(20.0)
    assert [at.window(1.0) for _ in range(3)] == [1, 1, 1]
    assert [at.window(0.0, 100) for _ in range(8)] == [2, 4, 8, 16, 32, 64, 100, 100]
    assert not at.precedence.is_held_back


def test_a_worker_that_hears_of_waiting_requests_begins_the_least_for_a_moment(front: Callable[[float], Front]) -> None:
    at = front(4.0)
    assert at.window(0.0) == 32
    at.precedence.hear_of_crowd()
    assert [at.window(0.0) for _ in range(8)] == [1, 1, 1, 1, 1, 1, 1, 2]
    assert [at.window(0.0) for _ in range(6)] == [4, 8, 16, 32, 32, 32]
    assert not at.precedence.is_held_back


def test_a_process_that_only_works_holds_nothing_back(front: Callable[[float], Front]) -> None:
    alone = Precedence()
    front(4.0).now[0] += 10.0
    assert (alone.places(32), alone.is_held_back) == (32, False)


class Always:
    """Stands where the store of requests does while twenty of them are always under way."""

    @property
    def asked_seconds(self) -> float:
        return 20.0 * clock.monotonic_seconds()


async def test_runs_end_while_requests_never_stop_coming(stopped_bench: Bench) -> None:
    bench = stopped_bench
    at = bench.house(calling("Done."))
    precedence = Precedence([Always()], least_per_second=8.0)  # pyright: ignore[reportArgumentType]
    services = services_for(bench.settings, bench.store, bench.ledger)
    worker = Worker(precedence)
    await worker.start(services)
    try:
        runs = [bench.request(at, str(number)) for number in range(6)]
        ended = [await bench.until(run_id, lambda run: is_over(run.state), "its end") for run_id in runs]
        assert precedence.is_held_back
    finally:
        await worker.stop()
        await services.close()
    assert [run.state for run in ended] == ["completed"] * 6


async def test_a_store_counts_how_long_what_is_asked_of_it_takes(store: Store) -> None:
    before, held = store.asked_seconds, threading.Event()
    asked = [asyncio.create_task(store.read_async(lambda session: held.wait(60))) for _ in range(3)]
    await asyncio.sleep(0)  # Now each is asked.
    await asyncio.sleep(0.05)
    held.set()
    await asyncio.gather(*asked)
    assert store.asked_seconds - before >= 3 * 0.05
