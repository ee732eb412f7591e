"""Wakes whoever watches a run or a draft in this process, as soon as a change of it is durable.

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
def watching(subject: str) -> Generator[asyncio.Event]:
    """Give an event of the running loop that is set whenever something happened to the subject.

    It is the id of a run, or what a room names.
    """
    watcher = (asyncio.get_running_loop(), asyncio.Event())
    with _lock:
        _watchers.setdefault(subject, set()).add(watcher)
    try:
        yield watcher[1]
    finally:
        with _lock:
            _watchers[subject].discard(watcher)
            if not _watchers[subject]:
                del _watchers[subject]


def wake_after_commit(session: Session, subject: str) -> None:
    """Wake the watchers of the subject once this transaction is durable; once, however often it is asked."""
    asked: set[str] = session.info.setdefault("signoff.subjects_to_wake", set())
    if subject not in asked:
        asked.add(subject)
        after_commit(session, lambda: wake(subject))


def wake(subject: str) -> None:
    """Wake the watchers of the subject now; for who looks on behalf of them all."""
    with _lock:
        found = tuple(_watchers.get(subject, ()))
    for loop, event in found:
        # A loop that was closed meanwhile has nobody to wake.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(event.set)
