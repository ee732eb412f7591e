"""Follow a run while it happens, whichever process works on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.people.access import Principal
from signoff.record.wakes import watching
from signoff.runs import queries
from signoff.runs.states import is_over
from signoff.runs.views import EventRow, RunDetail
from signoff.tables.session import Store

# Work in this process wakes us at once; this is how late news from another process may be.
LOOK_SECONDS = 0.5
# Two transactions may become durable in the other order than their events are numbered. Within this time of an
# event, what has a lower number is still looked for.
_LATE = timedelta(seconds=5)
_BATCH = 200
_ENDS = frozenset(("done", "error"))


class Follower:
    """What one watcher of a run has seen, so that nothing is told twice and nothing is left out."""

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id
        self._floor = last_id
        self._told: set[int] = set()

    def news(self, session: Session, viewer: Principal, run_id: str) -> list[EventRow]:
        """Return the events not told yet, in their order."""
        found = queries.events_after(session, viewer, run_id, self._floor, _BATCH)
        fresh = [event for event in found if event.id not in self._told]
        self._told.update(event.id for event in fresh)
        self.last_id = max([self.last_id, *(event.id for event in fresh)])
        old = clock.now() - _LATE
        settled = [event.id for event in found if event.at < old]
        if settled or len(found) == _BATCH:
            self._floor = max([self._floor, *(settled or [event.id for event in found])])
            self._told = {event_id for event_id in self._told if event_id > self._floor}
        return fresh


async def follow_run(
    store: Store, viewer: Principal, run_id: str, *, after: int = 0, idle_seconds: float = 10.0
) -> AsyncGenerator[list[EventRow]]:
    """Yield the run's events as they come, in batches; an empty one when nothing happened for a while.

    Ends after the run's last event. A run that ended long ago, whose events were seen, ends at once.

    Raises:
        NotFound: the viewer has no such run.
    """
    follower = Follower(after)
    await store.read_async(queries.run, viewer, run_id)
    with watching(run_id) as woken:
        quiet_since = clock.monotonic_seconds()
        while True:
            woken.clear()
            events = await store.read_async(follower.news, viewer, run_id)
            if events:
                yield events
                quiet_since = clock.monotonic_seconds()
            if any(event.kind in _ENDS for event in events):
                return
            if not events and await _has_ended(store, viewer, run_id):
                return
            if clock.monotonic_seconds() - quiet_since >= idle_seconds:
                yield []
                quiet_since = clock.monotonic_seconds()
            await _pause(woken, LOOK_SECONDS)


async def _has_ended(store: Store, viewer: Principal, run_id: str) -> bool:
    found = await store.read_async(queries.run, viewer, run_id)
    return is_over(found.run.state)


async def until_over(store: Store, viewer: Principal, run_id: str, *, seconds: float) -> RunDetail:
    """Return the run once it is over or waits for a person, or as it is after `seconds`."""
    deadline = clock.monotonic_seconds() + seconds
    with watching(run_id) as woken:
        while True:
            woken.clear()
            found = await store.read_async(queries.run, viewer, run_id)
            left = deadline - clock.monotonic_seconds()
            if is_over(found.run.state) or found.run.state == "waiting" or left <= 0:
                return found
            await _pause(woken, min(LOOK_SECONDS, left))


async def _pause(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return
