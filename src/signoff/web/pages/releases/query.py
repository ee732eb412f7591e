"""What the list of releases shows."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_names
from signoff.people.access import Principal
from signoff.people.queries import environments
from signoff.releases.queries import releases_page
from signoff.releases.views import ReleaseFacts
from signoff.web.release_words import STATE_WORDS

PATH = "/releases"


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters in the address."""

    agent: str = ""
    environment: str = ""
    state: str = ""

    def address(self, **more: str) -> str:
        """Return the address of the list with these filters, below the workspace."""
        said = {"agent": self.agent, "environment": self.environment, "state": self.state, **more}
        text = urlencode({name: value for name, value in said.items() if value})
        return f"{PATH}?{text}" if text else PATH


@dataclass(frozen=True, slots=True)
class ReleasesView:
    """One page of the list. Addresses lie below the workspace."""

    asked: Asked
    rows: tuple[ReleaseFacts, ...]
    newer: str | None
    older: str | None
    agents: tuple[tuple[str, str], ...]
    environments: tuple[tuple[str, str], ...]

    @property
    def state_options(self) -> list[tuple[str, str, str]]:
        """Return the states as a filter offers them."""
        return [(state, words, state) for state, words in STATE_WORDS.items()]


def load(session: Session, viewer: Principal, asked: Asked, cursor: str | None = None) -> ReleasesView:
    """Return the view.

    Raises:
        NotFound: there is no such agent here.
    """
    page = releases_page(
        session, viewer, agent=asked.agent or None, environment=asked.environment or None, state=asked.state or None,
        cursor=cursor,
    )  # fmt: skip
    return ReleasesView(
        asked=asked,
        rows=tuple(page.rows),
        newer=asked.address(cursor=page.previous_cursor) if page.previous_cursor else None,
        older=asked.address(cursor=page.next_cursor) if page.next_cursor else None,
        agents=tuple((one.slug, one.name) for one in agent_names(session, viewer)),
        environments=tuple((one.slug, one.name) for one in environments(session, viewer)),
    )
