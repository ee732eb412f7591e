"""A run while it happens: each piece of news as the HTML that changes on its page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import Fault, Refusal
from signoff.people.access import Principal
from signoff.runs import queries
from signoff.runs.following import follow_run
from signoff.runs.states import is_over
from signoff.runs.views import EventRow
from signoff.tables.session import Store
from signoff.web.approval_card import Card
from signoff.web.chrome import Chrome
from signoff.web.pages.run_detail.query import Head, Now, load_asks, load_head, load_now, load_timeline
from signoff.web.pages.run_detail.timeline import Bar, Timeline

PING_SECONDS = 15.0
# How soon a session that was ended is let go of when nothing happens; before news it is asked for each time.
_CHECK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """What changes on the page. `timeline` whole when the axis grew or the line was broken, else only `rows`."""

    head: Head
    timeline: Timeline
    is_whole: bool
    changed: Sequence[Bar]
    added: Sequence[Bar]
    now: Now
    sentence: str
    is_over: bool
    new_asks: Sequence[Card] = ()
    ask_news: Sequence[Card] = ()
    chosen: str = ""
    """The reader's choice stays: a morph leaves `aria-current` alone."""

    def link(self, bar: Bar, chrome: Chrome) -> Bar:
        """Return the bar with its whole address."""
        return replace(bar, href=chrome.href(bar.href))


@dataclass(slots=True)
class Drawn:
    """What the page of one watcher shows by now. `asks_drawn`: how many requests it was drawn with, the oldest."""

    asks_drawn: int = 0
    span_ms: float = -1.0
    bars: dict[str, Bar] = field(default_factory=dict[str, Bar])
    asks: dict[str, str] | None = None

    def change(self, session: Session, viewer: Principal, run_id: str) -> Change:
        """Return what is new since the last time, and remember it."""
        found = queries.run(session, viewer, run_id)
        steps = queries.steps(session, viewer, run_id)
        # The newest page of a long run; the earlier ones do not change any more.
        timeline = load_timeline(found, steps, page=1_000_000)
        fresh = {bar.id: bar for bar in timeline.bars}
        is_whole = timeline.span_ms != self.span_ms or not set(self.bars) <= set(fresh)
        changed = [bar for bar in timeline.bars if bar.id in self.bars and self.bars[bar.id] != bar]
        added = [bar for bar in timeline.bars if bar.id not in self.bars]
        self.span_ms, self.bars = timeline.span_ms, fresh
        ended = [bar for bar in changed if bar.duration_ms is not None]
        new_asks, ask_news = self._asks(load_asks(session, viewer, run_id))
        return Change(
            head=load_head(session, viewer, found), timeline=timeline, is_whole=is_whole, changed=changed, added=added,
            now=load_now(session, viewer, found, steps), is_over=is_over(found.run.state),
            new_asks=new_asks, ask_news=ask_news,
            sentence=f"The run is {found.run.state}." if is_over(found.run.state)
            else f"{ended[-1].name} finished." if ended else "",
        )  # fmt: skip

    def _asks(self, cards: list[Card]) -> tuple[list[Card], list[Card]]:
        """Return the requests made since the page was drawn, all of them when one came; and those to which something
        happened. What somebody is writing into a form is not touched."""
        before = self.asks if self.asks is not None else {card.id: card.seen for card in cards[: self.asks_drawn]}
        self.asks = {card.id: card.seen for card in cards}
        has_new = any(card.id not in before for card in cards)
        told = [card for card in cards if card.id in before and before[card.id] != card.seen]
        return cards[self.asks_drawn :] if has_new else [], told


async def lines(
    store: Store,
    viewer: Principal,
    run_id: str,
    *,
    after: int,
    asks_drawn: int = 0,
    draw: Callable[[Change], str],
    may_listen: Callable[[], Awaitable[object]],
) -> AsyncGenerator[bytes]:
    """Yield the event stream: first the page as it is now, then each change, `done` at the end, pings in between.

    Nothing of the database is held between two lines.
    """
    drawn, pinged = Drawn(asks_drawn), clock.monotonic_seconds()
    try:
        yield b"retry: 1000\n\n"
        yield _event(after, draw(await store.read_async(drawn.change, viewer, run_id)))
        async for news in follow_run(store, viewer, run_id, after=after, idle_seconds=_CHECK_SECONDS):
            await may_listen()
            if not news:
                if clock.monotonic_seconds() - pinged >= PING_SECONDS:
                    pinged = clock.monotonic_seconds()
                    yield b": still here\n\n"
                continue
            change = await store.read_async(drawn.change, viewer, run_id)
            yield _event(_last(news, after), draw(change))
            after, pinged = _last(news, after), clock.monotonic_seconds()
        await may_listen()
        yield _event(after, draw(await store.read_async(drawn.change, viewer, run_id)))
        yield b"event: done\ndata: over\n\n"
    except (Refusal, Fault, asyncio.CancelledError):
        # Signed out, the run is gone, or the database is away: the page asks again and is told.
        return


def _last(news: Sequence[EventRow], after: int) -> int:
    return max([after, *(event.id for event in news)])


def _event(number: int, html: str) -> bytes:
    body = "\n".join(f"data: {line}" for line in html.splitlines())
    return f"id: {number}\n{body}\n\n".encode("utf-8", "replace")
