"""Follow a run while it happens, whichever process works on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.people.access import Principal
from signoff.record.wakes import watching
from signoff.runs import queries
from signoff.runs.family import family_of
from signoff.runs.states import is_over, is_told_to_go_on
from signoff.runs.views import EventRow, RunDetail
from signoff.tables.session import Store

# Work in this process wakes us at once; this is how late news from another process may be.
LOOK_SECONDS = 0.5
_BATCH = 200
_ENDS = frozenset(("done", "error"))


class Follower:
    """What one watcher of a run has seen. Events become visible in the order of their numbers."""

    def __init__(self, last_id: int) -> None:
        self.last_id = last_id

    def news(self, session: Session, viewer: Principal, run_id: str) -> list[EventRow]:
        """Return the events not told yet, in their order."""
        fresh = queries.events_after(session, viewer, run_id, self.last_id, _BATCH)
        self.last_id = fresh[-1].id if fresh else self.last_id
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
    """Return the run once it is over or waits for a person, itself or through a run it asked for; or as it is after
    `seconds`."""
    deadline = clock.monotonic_seconds() + seconds
    with watching(run_id) as woken:
        while True:
            woken.clear()
            found, rests = await store.read_async(_looked, viewer, run_id)
            left = deadline - clock.monotonic_seconds()
            if rests or left <= 0:
                return found
            await _pause(woken, min(LOOK_SECONDS, left))


def _looked(session: Session, viewer: Principal, run_id: str) -> tuple[RunDetail, bool]:
    """Return a run, and whether there is nothing to wait for any more."""
    found = queries.run(session, viewer, run_id)
    run = found.run
    if is_told_to_go_on(run.state, run.waiting_for):
        return found, False
    if run.state != "waiting" or run.waiting_for != "sub_agent":
        return found, is_over(run.state) or run.state == "waiting"
    return found, family_of(session, run.root_run_id or run.id).waits_for_person(run.id)


async def _pause(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return
