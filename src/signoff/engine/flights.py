"""The legs in flight in this process, and how one is called off while its call hangs.

Nothing here is recorded: what a call-off leads to is returned by the step it ended, as a value, and that is recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from signoff.kit import clock

# How long a cancelled call may take to clean up before it is left behind.
_CLEANUP_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run is ended from outside. Plain JSON both ways."""

    state: Literal["failed", "cancelled"]
    code: str
    reason: str

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"state": self.state, "code": self.code, "reason": self.reason}

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> Stop:
        """Return the stop that `as_plain` gave."""
        return Stop(plain["state"], plain["code"], plain["reason"])


@dataclass(slots=True, eq=False)
class Flight:
    """One leg in flight."""

    run_id: str
    leg: int
    task: asyncio.Task[Any] | None
    deadline_at: datetime | None = None
    stop: Stop | None = None
    called_off: asyncio.Event = field(default_factory=asyncio.Event)

    def call_off(self, stop: Stop) -> None:
        """End the call in flight now, and every further one before it begins."""
        if self.stop is None:
            self.stop = stop
            self.called_off.set()

    async def guarded(self, work: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Run one call, unless the leg is called off or its deadline comes first: then return the stop."""
        if self.stop is None and self._seconds_left() <= 0:
            self.call_off(self._out_of_time())
        if self.stop is not None:
            return {"kind": "called_off", "stop": self.stop.as_plain()}
        call = asyncio.ensure_future(work())
        waiter = asyncio.ensure_future(self.called_off.wait())
        try:
            await asyncio.wait({call, waiter}, timeout=self._seconds_left(), return_when=asyncio.FIRST_COMPLETED)
            if call.done():
                return call.result()
            self.call_off(self._out_of_time())
            call.cancel()
            await asyncio.wait({call}, timeout=_CLEANUP_SECONDS)
            return {"kind": "called_off", "stop": (self.stop or self._out_of_time()).as_plain()}
        finally:
            waiter.cancel()
            if not call.done():
                call.cancel()

    def _seconds_left(self) -> float:
        if self.deadline_at is None:
            return 86_400.0
        return (self.deadline_at - clock.now()).total_seconds()

    @staticmethod
    def _out_of_time() -> Stop:
        return Stop("failed", "deadline_passed", "The run has used the time it may take (limits.wall_seconds).")


async def come_or_time_out(event: asyncio.Event, seconds: float) -> None:
    """Return once `event` is set, or after `seconds`.

    Not by `asyncio.wait_for`: until Python 3.12 it forgets that it was cancelled when the event comes at that moment,
    and a loop that waits by it is stopped by nobody.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class Flights:
    """Every leg in flight in this process. Used from the event loop only."""

    def __init__(self) -> None:
        self._by_run: dict[str, Flight] = {}
        self._expected: set[str] = set()
        self._landed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._by_run) + len(self._expected)

    @property
    def begun(self) -> list[Flight]:
        """Return the legs that have begun: their runs are marked running."""
        return [flight for flight in self._by_run.values() if flight.deadline_at is not None]

    def expect(self, run_id: str) -> None:
        """Keep a place for a leg that is being started."""
        self._expected.add(run_id)

    def give_up(self, run_id: str) -> None:
        """Free the place of a leg that does not run here after all."""
        self._expected.discard(run_id)

    def board(self, run_id: str, leg: int) -> Flight:
        """Enter a leg, which runs in the current task."""
        self._expected.discard(run_id)
        flight = Flight(run_id, leg, asyncio.current_task())
        self._by_run[run_id] = flight
        return flight

    def land(self, flight: Flight) -> None:
        """Take a leg out."""
        if self._by_run.get(flight.run_id) is flight:
            del self._by_run[flight.run_id]
        self._landed.set()

    def call_off(self, run_id: str, stop: Stop) -> None:
        """Call a run off, if it is in flight here."""
        flight = self._by_run.get(run_id)
        if flight is not None:
            flight.call_off(stop)

    async def drained(self, seconds: float) -> None:
        """Return when nothing is in flight any more, or after `seconds`."""
        until = clock.monotonic_seconds() + seconds
        while self._by_run and (left := until - clock.monotonic_seconds()) > 0:
            await self.landed(left)

    async def abandon(self) -> None:
        """Stop working on every leg without ending it; whoever takes over goes on from what is recorded."""
        tasks = [flight.task for flight in self._by_run.values() if flight.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CLEANUP_SECONDS)

    async def landed(self, seconds: float) -> None:
        """Return when some leg ended after this was called, or after `seconds`."""
        self._landed.clear()
        await come_or_time_out(self._landed, seconds)
