"""The draft while others edit it: each newer version as the note that tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from signoff.agents.draft_saves import DraftNews
from signoff.agents.following import follow_draft
from signoff.kit.errors import Fault, Refusal
from signoff.people.access import Principal
from signoff.tables.session import Store

QUIET_SECONDS = 15.0
_DONE = {"undone": "undid a change of", "redone": "redid a change of", "reset": "reset"}


@dataclass(frozen=True, slots=True)
class Newer:
    """That there is a newer version than the one on screen. `path`: of the agent, below the workspace."""

    news: DraftNews
    path: str
    is_own: bool

    @property
    def sentence(self) -> str:
        """Return it for a person."""
        who = "You" if self.is_own else self.news.updated_by_name
        where = " in another window" if self.is_own else ""
        did = _DONE.get(self.news.kind, "saved")
        return f"{who} {did} this draft{where}: it is version {self.news.version} now"


async def lines(
    store: Store,
    viewer: Principal,
    agent: str,
    *,
    after: int,
    draw: Callable[[Newer], str],
    may_listen: Callable[[], Awaitable[object]],
) -> AsyncGenerator[bytes]:
    """Yield the event stream. Its ids are versions, so that a broken line goes on where it was."""
    try:
        yield b"retry: 1000\n\n"
        async for news in follow_draft(store, viewer, agent, after=after, idle_seconds=QUIET_SECONDS):
            await may_listen()
            if news is None:
                yield b": still here\n\n"
                continue
            html = draw(Newer(news, f"/agents/{agent}", news.updated_by == viewer.id))
            body = "\n".join(f"data: {line}" for line in html.splitlines())
            yield f"id: {news.version}\n{body}\n\n".encode("utf-8", "replace")
    except (Refusal, Fault, asyncio.CancelledError):
        # Signed out, the agent is out of reach, or the database is away: the page asks again and is told.
        return
