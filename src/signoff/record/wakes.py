"""Wakes whoever watches a run in this process, as soon as a change of it is durable.

Watchers in other processes look by themselves from time to time; being woken only makes it quicker.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from signoff.tables.session import after_commit

_lock = threading.Lock()
_watchers: dict[str, set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = {}


@contextmanager
def watching(run_id: str) -> Generator[asyncio.Event]:
    """Give an event of the running loop that is set whenever something happened in the run."""
    watcher = (asyncio.get_running_loop(), asyncio.Event())
    with _lock:
        _watchers.setdefault(run_id, set()).add(watcher)
    try:
        yield watcher[1]
    finally:
        with _lock:
            _watchers[run_id].discard(watcher)
            if not _watchers[run_id]:
                del _watchers[run_id]


def wake_after_commit(session: Session, run_id: str) -> None:
    """Wake the watchers of the run once this transaction is durable; once, however often it is asked."""
    asked: set[str] = session.info.setdefault("signoff.runs_to_wake", set())
    if run_id not in asked:
        asked.add(run_id)
        after_commit(session, lambda: _wake(run_id))


def _wake(run_id: str) -> None:
    with _lock:
        found = tuple(_watchers.get(run_id, ()))
    for loop, event in found:
        # A loop that was closed meanwhile has nobody to wake.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(event.set)
