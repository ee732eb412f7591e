"""The threads of a store, which know how long work has been waiting for one of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from signoff.kit import clock

T = TypeVar("T")


class Threads:
    """A small pool, first come, first served."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="store")
        # Since when each piece of work waits, the oldest first.
        self._since: dict[object, float] = {}
        self._lock = threading.Lock()
        # How much work is waited for, how long all of it together has taken, and until when that is summed.
        self._asked, self._spent, self._summed_at = 0, 0.0, clock.monotonic_seconds()

    @property
    def asked_seconds(self) -> float:
        """How long everything asked so far has taken, summed, from the asking to the answer. What it grows by in a
        second is how much was under way in it, on average."""
        with self._lock:
            return self._sum(0)

    def _sum(self, more: int) -> float:
        moment = clock.monotonic_seconds()
        self._spent += self._asked * (moment - self._summed_at)
        self._asked, self._summed_at = self._asked + more, moment
        return self._spent

    @property
    def wait_seconds(self) -> float:
        """How long the oldest piece of work that no thread has taken up waits by now."""
        with self._lock:
            oldest = next(iter(self._since.values()), None)
        return 0.0 if oldest is None else clock.monotonic_seconds() - oldest

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` in a thread, once one is free."""
        mark = object()
        with self._lock:
            self._sum(1)
            self._since[mark] = self._summed_at

        def begun() -> T:
            self._take_up(mark)
            return work()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, begun)
        finally:
            with self._lock:
                self._sum(-1)
                self._since.pop(mark, None)  # Who asked may have gone before a thread was free.

    def _take_up(self, mark: object) -> None:
        with self._lock:
            self._since.pop(mark, None)

    def end(self) -> None:
        """Finish what has begun, and nothing else."""
        self._pool.shutdown(wait=True, cancel_futures=True)
