"""What the page of the time after a release shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.releases.follow_up.queries import followed_in, reviews_page
from signoff.releases.follow_up.views import FollowUpFacts, ReviewFacts
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.review_words import FigureLine, figure_lines

_REVIEWS = 20


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """A review with its figures in words."""

    facts: ReviewFacts
    title: str
    figures: tuple[FigureLine, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Return each figure with what it was in the time it is compared with."""
        before = "in its first week" if self.facts.kind == "first" else "the week before"
        return [(line.name, f"{line.now}; {before} {line.before}") for line in self.figures]


@dataclass(frozen=True, slots=True)
class FollowUpView:
    """The page. `typed`: what stood in the form that was refused."""

    head: AgentHead
    places: tuple[FollowUpFacts, ...]
    open_reviews: tuple[ReviewCard, ...]
    done_reviews: tuple[ReviewCard, ...]
    older: str
    typed: Mapping[str, str]
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    cursor: str | None = None,
    typed: Mapping[str, str] | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> FollowUpView:
    """Return the view.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    head = agent_head(session, viewer, slug, "follow_up")
    page = reviews_page(session, viewer, agent=slug, cursor=cursor, size=_REVIEWS)
    cards: list[Any] = [_card(one) for one in page.rows]
    return FollowUpView(
        head=head,
        places=tuple(followed_in(session, viewer, slug)),
        open_reviews=tuple(one for one in cards if one.facts.done_at is None),
        done_reviews=tuple(one for one in cards if one.facts.done_at is not None),
        older=f"{head.path}/follow-up?cursor={page.next_cursor}" if page.next_cursor else "",
        typed=typed or {},
        problem=problem,
        errors=errors or {},
    )


def _card(one: ReviewFacts) -> ReviewCard:
    title = "Review of its first month" if one.kind == "first" else "Weekly review"
    return ReviewCard(one, title, tuple(figure_lines(one.metrics)))
