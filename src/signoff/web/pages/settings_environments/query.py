"""What the page of environments shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.budgets.queries import Spend, today_by_environment
from signoff.people.access import Principal, can
from signoff.people.actions.environments import ENVIRONMENTS_MAX, contents_in_words, what_is_in
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments
from signoff.web.refused import NOT_REFUSED, Refused


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """One environment. `spend` None: the viewer may not see money. `holds`: what is in it, in words."""

    place: EnvironmentFacts
    spend: Spend | None
    holds: str
    is_first: bool
    is_last: bool

    @property
    def cap_text(self) -> str:
        """Return the cap as the form shows it."""
        cap = self.place.daily_cap_usd
        return "" if cap is None else format(cap.normalize(), "f")


@dataclass(frozen=True, slots=True)
class EnvironmentsView:
    """The page."""

    rows: tuple[EnvironmentRow, ...]
    may_manage: bool
    may_cap: bool
    is_full: bool
    refused: Refused


def load(session: Session, viewer: Principal, refused: Refused = NOT_REFUSED) -> EnvironmentsView:
    """Return the view."""
    places = environments(session, viewer)
    spends = today_by_environment(session, viewer) if can(viewer, "budget.read") else {}
    last = len(places) - 1
    return EnvironmentsView(
        rows=tuple(
            EnvironmentRow(place, spends.get(place.id), _words(session, place), number == 0, number == last)
            for number, place in enumerate(places)
        ),
        may_manage=can(viewer, "environment.manage"),
        may_cap=can(viewer, "budget.manage"),
        is_full=len(places) >= ENVIRONMENTS_MAX,
        refused=refused,
    )


def _words(session: Session, place: EnvironmentFacts) -> str:
    return contents_in_words(what_is_in(session, place.id))
