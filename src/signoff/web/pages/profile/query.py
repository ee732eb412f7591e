"""What the profile shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from signoff.people import passwords
from signoff.people.access import BOUND
from signoff.people.facts import PersonFacts, SecondFactorFacts, SessionFacts
from signoff.people.own import person_of, second_factor_of, sessions_of
from signoff.people.queries import workspace
from signoff.people.sign_in_rules import must_set_one_up
from signoff.web.browsers import browser_words
from signoff.web.chrome import THEMES, available_zones
from signoff.web.identity import Looking
from signoff.web.refused import NOT_REFUSED, Refused

_HOW = {"password": "password", "link": "one-time link", "sso": "single sign-on"}
_THEME_WORDS = {"system": "Same as system", "light": "Light", "dark": "Dark"}


@dataclass(frozen=True, slots=True)
class BrowserRow:
    """One signed-in browser."""

    id: str
    name: str
    how: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_here: bool


@dataclass(frozen=True, slots=True)
class ProfileView:
    """The page. `zones` begins with "as the browser says".

    Args:
        bound: why what belongs to the person in every workspace is not theirs to change in this session; empty when
            it is. `factor` is not told then.
    """

    person: PersonFacts
    factor: SecondFactorFacts | None
    is_factor_required: bool
    is_password_allowed: bool
    browsers: tuple[BrowserRow, ...]
    zones: tuple[tuple[str, str], ...]
    themes: tuple[tuple[str, str], ...]
    refused: Refused
    bound: str = ""
    shortest: int = passwords.CHARS_MIN

    @property
    def has_others(self) -> bool:
        """Return whether other browsers are signed in."""
        return any(not browser.is_here for browser in self.browsers)


def load(session: Session, looker: Looking, *, idle_seconds: int, refused: Refused = NOT_REFUSED) -> ProfileView:
    """Return the view."""
    person = person_of(session, looker.viewer)
    found = sessions_of(session, looker.viewer, idle_seconds=idle_seconds)
    here = workspace(session, looker.viewer)
    return ProfileView(
        person=person,
        factor=None if looker.viewer.is_bound else second_factor_of(session, looker.viewer),
        is_factor_required=must_set_one_up(session, person.id),
        is_password_allowed=here.is_password_allowed or looker.viewer.role == "owner",
        bound=BOUND if looker.viewer.is_bound else "",
        browsers=tuple(_browser(row, looker.session_id) for row in found),
        zones=(("", "As the browser says"), *((zone, zone.replace("_", " ")) for zone in sorted(available_zones()))),
        themes=tuple((theme, _THEME_WORDS[theme]) for theme in THEMES),
        refused=refused,
    )


def _browser(row: SessionFacts, here: str) -> BrowserRow:
    how = _HOW.get(row.method, row.method) + (" and second factor" if row.is_two_factor else "")
    return BrowserRow(
        row.id, browser_words(row.user_agent), how, row.created_at, row.last_seen_at, row.expires_at, row.id == here
    )
