"""What the inbox shows: the list, and the request on show beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_names
from signoff.approvals import queries
from signoff.approvals.facts import ApprovalCounts, ApprovalGroup, ApprovalRow
from signoff.approvals.saved import saved_views
from signoff.approvals.states import is_open
from signoff.kit import clock
from signoff.kit.paging import encode_cursor
from signoff.people.access import Principal, can
from signoff.web.approval_card import Card, Preview, card_of
from signoff.web.approval_words import ENDED as ENDED_WORDS
from signoff.web.approval_words import KINDS
from signoff.web.chrome import Chrome
from signoff.web.pages.inbox.filters import Asked
from signoff.web.refused import NOT_REFUSED, Refused

ROWS = 40
_TOGETHER_MIN = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One request in the list."""

    row: ApprovalRow
    icon: str
    kind: str
    path: str
    is_aged: bool


@dataclass(frozen=True, slots=True)
class SavedLine:
    """A saved view, and where it leads."""

    id: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class InboxView:
    """The inbox. Addresses lie below the workspace.

    Args:
        card: the request on show; None when there is none.
        is_one: somebody asked for one request: on a phone it stands alone.
        news: what happened to the request on show since it was drawn.
    """

    asked: Asked
    rows: Sequence[Line]
    newer: str | None
    older: str | None
    cursor: str
    counts: ApprovalCounts
    groups: Sequence[ApprovalGroup]
    agents: Sequence[tuple[str, str]]
    saved: Sequence[SavedLine]
    has_any: bool
    may_decide: bool
    card: Card | None = None
    is_one: bool = False
    news: Card | None = None
    aged_hours: float = queries.AGED_HOURS
    first_agent: str = ""

    @property
    def chosen(self) -> str:
        """Return the id of the request on show."""
        return self.card.id if self.card else ""

    @property
    def back(self) -> str:
        """Return the query of this list, for forms to come back to."""
        return self.asked.query(cursor=self.cursor)

    @property
    def live_address(self) -> str:
        """Return where the rows are asked for again."""
        return self.asked.address(cursor=self.cursor, live="1")

    @property
    def together(self) -> Sequence[ApprovalGroup]:
        """Return the gates of which several requests wait, so that they can be decided together."""
        if self.asked.is_answered or self.asked.is_filtered:
            return ()
        return [one for one in self.groups if one.number >= _TOGETHER_MIN and one.kind == "approval"][:3]

    @property
    def gates(self) -> list[tuple[str, str]]:
        """Return the gates as a filter offers them."""
        names = sorted({one.gate for one in self.groups} | ({self.asked.gate} if self.asked.gate else set()))
        return [(name, name) for name in names]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Return the kinds as a filter offers them."""
        return [(kind, words.name) for kind, words in KINDS.items()]

    @property
    def states(self) -> Sequence[tuple[str, str]]:
        """Return the ways a request ends, as a filter offers them."""
        return ENDED_WORDS

    def tabs(self, chrome: Chrome) -> list[tuple[object, ...]]:
        """Return the tabs of the list."""
        asked, here = self.asked, self.asked.whose if not self.asked.is_answered else "answered"
        whose = asked.whose
        return [
            (chrome.href(asked.tab("mine")), "For me", here == "mine", self.counts.mine, "wait"),
            (chrome.href(asked.tab("all")), "All I see", here == "all", self.counts.visible),
            (chrome.href(asked.tab(whose, is_answered=True)), "Answered", here == "answered"),
        ]


def load(
    session: Session,
    viewer: Principal,
    asked: Asked,
    *,
    cursor: str | None = None,
    one: str | None = None,
    refused: Refused = NOT_REFUSED,
    is_late: bool = False,
    preview: Preview | None = None,
) -> InboxView:
    """Return the whole page: the list, and one request; without `one`, the first of the list.

    Raises:
        NotFound: the viewer has no such request.
    """
    view = load_rows(session, viewer, asked, cursor)
    chosen = one or (view.rows[0].row.id if view.rows else "")
    card = None
    if chosen:
        card = load_card(session, viewer, chosen, view.back, refused=refused, is_late=is_late, preview=preview)
    agents = agent_names(session, viewer) if can(viewer, "agent.read") else ()
    saved = saved_views(session, viewer) if viewer.member_id else ()
    return replace(
        view,
        card=card,
        is_one=one is not None,
        agents=[(agent.slug, agent.name) for agent in agents],
        first_agent=next((agent.slug for agent in agents), ""),
        saved=[SavedLine(line.id, line.name, Asked.of_text(line.query).address()) for line in saved],
    )


def load_rows(
    session: Session, viewer: Principal, asked: Asked, cursor: str | None, one: str = "", seen: str = ""
) -> InboxView:
    """Return the rows alone: what htmx puts into the page, and what is asked for every few seconds.

    Args:
        one: the request that is on show, and
        seen: what its card says of it (`Card.seen`): when it is something else by now, that is told.
    """
    page = queries.inbox(
        session, viewer, asked.wanted(), is_oldest_first=asked.is_oldest_first, cursor=cursor, size=ROWS
    )
    edge = clock.now() - timedelta(hours=queries.AGED_HOURS)
    counts = queries.counts(session, viewer)
    has_any = bool(page.rows) or counts.visible > 0 or _has_ended(session, viewer)
    view = InboxView(
        asked=asked,
        rows=[
            Line(
                row, KINDS[row.kind].icon, KINDS[row.kind].name, asked.address(row.id, cursor=cursor or ""),
                is_open(row.state) and row.created_at < edge,
            )
            for row in page.rows
        ],
        newer=asked.address(cursor=page.previous_cursor) if page.previous_cursor else None,
        older=asked.address(cursor=page.next_cursor) if page.next_cursor else None,
        cursor=cursor or "", counts=counts, groups=queries.groups(session, viewer), agents=(), saved=(),
        has_any=has_any, may_decide=can(viewer, "approval.decide"),
    )  # fmt: skip
    return replace(view, news=_news(session, viewer, one, seen)) if one and seen else view


def load_card(
    session: Session,
    viewer: Principal,
    approval_id: str,
    back: str,
    *,
    refused: Refused = NOT_REFUSED,
    is_late: bool = False,
    preview: Preview | None = None,
) -> Card:
    """Return the card of one request.

    Raises:
        NotFound: the viewer has no such request.
    """
    detail = queries.approval(session, viewer, approval_id)
    return card_of(session, viewer, detail, back=back, refused=refused, is_late=is_late, preview=preview)


def following(session: Session, viewer: Principal, asked: Asked, after: str) -> str:
    """Return the request that comes after one in the list, else the first of the list; empty when it is empty."""
    way = "newer" if asked.is_oldest_first else "older"
    for cursor in (encode_cursor(way, after), None):
        found = queries.inbox(
            session, viewer, asked.wanted(), is_oldest_first=asked.is_oldest_first, cursor=cursor, size=2
        )
        if rest := [row.id for row in found.rows if row.id != after]:
            return rest[0]
    return ""


def _news(session: Session, viewer: Principal, approval_id: str, seen: str) -> Card | None:
    found = queries.some(session, viewer, [approval_id])
    card = Card(found[0]) if found else None
    return card if card is not None and card.seen != seen else None


def _has_ended(session: Session, viewer: Principal) -> bool:
    return bool(queries.inbox(session, viewer, Asked(whose="all", is_answered=True).wanted(), size=1).rows)
