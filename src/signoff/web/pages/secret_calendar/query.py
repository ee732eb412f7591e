"""What the calendar of secrets shows: months, and in each what runs out."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.connections.secrets.queries import expiring_secrets
from signoff.connections.views import SecretRow
from signoff.kit import clock
from signoff.people.access import Principal, authorize
from signoff.people.queries import environments
from signoff.web.secret_words import ends_word

# What the tabs offer, in days; none means all that is known.
SPANS: tuple[tuple[str, str, int | None], ...] = (
    ("30", "30 days", 30),
    ("90", "90 days", 90),
    ("365", "A year", 365),
    ("all", "All", None),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One secret; `ends` says how near its end is, and in which tone."""

    row: SecretRow
    ends: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Month:
    """A month and what runs out in it; what has run out comes in a group of its own, without a month."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The page."""

    months: tuple[Month, ...]
    span: str
    environment: str
    places: tuple[tuple[str, str], ...]
    older: str | None

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Return the spans: address, name, whether it is on screen."""
        return [(self.address(span=key), name, key == self.span) for key, name, _ in SPANS]

    @property
    def environments(self) -> list[tuple[str, str, str, bool]]:
        """Return the environments: address, name, nothing, whether it is on screen."""
        return [
            (self.address(environment=slug), name, "", slug == self.environment)
            for slug, name in (*self.places, ("all", "All"))
        ]

    def address(self, *, span: str = "", environment: str = "", cursor: str = "") -> str:
        """Return the address of the page with one thing changed."""
        said = {"within": span or self.span, "environment": environment or self.environment, "cursor": cursor}
        return "/secrets/expiring?" + urlencode({name: value for name, value in said.items() if value})


def load(
    session: Session, viewer: Principal, *, span: str, environment: str, cursor: str | None = None
) -> CalendarView:
    """Return the page. `span` is a key of `SPANS`, `environment` a slug or "all"; anything else shows all.

    Raises:
        NotAllowed: the viewer may not see which secrets there are.
    """
    authorize(viewer, "secret.read")
    places = [(one.slug, one.name) for one in reversed(environments(session, viewer))]
    days = next((found for key, _, found in SPANS if key == span), None)
    place = environment if environment in dict(places) else "all"
    page = expiring_secrets(
        session, viewer, environment=None if place == "all" else place, within_days=days, cursor=cursor
    )
    moment = clock.now()
    lines = [Line(row, ends_word(row.expires_at, moment)) for row in page.rows]
    view = CalendarView(
        months=tuple(Month(title, tuple(found)) for title, found in groupby(lines, _title)),
        span=span if span in {key for key, _, _ in SPANS} else "all",
        environment=place,
        places=tuple(places),
        older=None,
    )
    if page.next_cursor is None:
        return view
    return CalendarView(view.months, view.span, view.environment, view.places, view.address(cursor=page.next_cursor))


def _title(line: Line) -> str:
    if line.ends is not None and line.ends[0] == "ran out":
        return "Ran out"
    return line.row.expires_at.strftime("%B %Y") if line.row.expires_at else ""
