"""Follow the draft of an agent while people edit it, whichever process saves it.

A save in this process wakes its watchers at once. For the saves of others each process asks once for all the drafts
that are watched in a workspace, however many watch, and not at all when nobody does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from signoff.agents.draft_saves import DraftNews, draft_news, draft_versions, watched_as
from signoff.people.access import Principal
from signoff.record.wakes import wake, watching
from signoff.tables.session import Store

LOOK_SECONDS = 0.5
# How many drafts are asked for in one statement.
_BATCH = 500


@dataclass(slots=True)
class _Lookout:
    """Looks for the watchers of one workspace: the version last seen of each draft, and how many watch it."""

    store: Store
    versions: dict[str, int] = field(default_factory=dict[str, int])
    watchers: dict[str, int] = field(default_factory=dict[str, int])
    task: asyncio.Task[None] | None = None

    async def look_on(self) -> None:
        """Look from time to time, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            names = sorted(self.watchers)
            for start in range(0, len(names), _BATCH):
                await self._look(names[start : start + _BATCH])

    async def _look(self, names: list[str]) -> None:
        try:
            found = await self.store.read_async(draft_versions, names)
        except SQLAlchemyError:
            # The watchers look by themselves, and are told by that what is wrong.
            found = {}
        for name in names:
            if found.get(name) != self.versions.get(name):
                wake(watched_as(name))
            if name in found and name in self.watchers:
                self.versions[name] = found[name]


_lookouts: dict[tuple[asyncio.AbstractEventLoop, Store, str], _Lookout] = {}


@contextmanager
def _looked_after(store: Store, news: DraftNews, workspace_id: str) -> Generator[None]:
    """Let the draft be looked after meanwhile, from the version that is known."""
    key, name = (asyncio.get_running_loop(), store, workspace_id), news.agent_id
    lookout = _lookouts.setdefault(key, _Lookout(store))
    lookout.watchers[name] = lookout.watchers.get(name, 0) + 1
    lookout.versions.setdefault(name, news.version)
    if lookout.task is None:
        # It takes over to which workspace this task is bound.
        lookout.task = asyncio.create_task(lookout.look_on())
    try:
        yield
    finally:
        lookout.watchers[name] -= 1
        if not lookout.watchers[name]:
            del lookout.watchers[name], lookout.versions[name]
        if not lookout.watchers:
            lookout.task.cancel()
            del _lookouts[key]


async def follow_draft(
    store: Store, viewer: Principal, agent: str, *, after: int = 0, idle_seconds: float = 15.0
) -> AsyncGenerator[DraftNews | None]:
    """Yield each newer version as it is saved, the newest where several were at once; None when nothing happened for a
    while. It begins with the present one unless that is `after`.

    Raises:
        NotFound: the viewer has no such agent.
        NotAllowed: they may not read it any more.
    """
    news = await store.read_async(draft_news, viewer, agent)
    # A number beyond the newest is none of this draft.
    seen = after if after <= news.version else 0
    with watching(watched_as(news.agent_id)) as woken, _looked_after(store, news, viewer.workspace_id):
        while True:
            woken.clear()
            news = await store.read_async(draft_news, viewer, news.agent_id)
            if news.version > seen:
                seen = news.version
                yield news
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(idle_seconds):
                    await woken.wait()
            if not woken.is_set():
                yield None
