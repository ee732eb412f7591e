"""What the board of environments shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from signoff.agents.queries import agents_page
from signoff.deployments.queries import last_switches, live_revisions
from signoff.people.access import Principal
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments
from signoff.releases.queries import open_by_agent

_AGENTS_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Cell:
    """What serves one agent in one environment; number None: nothing does. `release_id`: one is under way there."""

    number: int | None = None
    since: datetime | None = None
    by_name: str = ""
    release_id: str = ""
    state: str = ""
    next_number: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One agent: a cell for each environment."""

    slug: str
    name: str
    last_revision: int
    cells: Mapping[str, Cell]

    @property
    def is_behind(self) -> bool:
        """Return whether the newest revision serves nowhere, and is on its way nowhere."""
        known = [number for one in self.cells.values() for number in (one.number, one.next_number)]
        return bool(self.last_revision) and self.last_revision not in known


@dataclass(frozen=True, slots=True)
class BoardView:
    """One page of the board."""

    places: tuple[EnvironmentFacts, ...]
    lines: tuple[Line, ...]
    newer: str | None
    older: str | None

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Return the heads of the table."""
        return [(place.name, "") for place in self.places]


def load(session: Session, viewer: Principal, cursor: str | None = None) -> BoardView:
    """Return the view: five queries, whatever there is."""
    places = tuple(environments(session, viewer))
    page = agents_page(session, viewer, cursor=cursor, size=_AGENTS_A_PAGE)
    ids = [one.id for one in page.rows]
    live = live_revisions(session, viewer, ids)
    switches = last_switches(session, viewer, ids)
    under_way = open_by_agent(session, viewer, ids)
    lines: list[Line] = []
    for agent in page.rows:
        cells: dict[str, Cell] = {}
        serving = {one.environment_id: one for one in live[agent.id]}
        for place in places:
            now, ahead = serving.get(place.id), under_way.get((agent.id, place.id))
            cells[place.id] = Cell(
                number=now.revision_number if now else None, since=now.changed_at if now else None,
                by_name=switches.get((agent.id, place.id), ""), release_id=ahead.id if ahead else "",
                state=ahead.state if ahead else "", next_number=ahead.number if ahead else None,
            )  # fmt: skip
        lines.append(Line(agent.slug, agent.name, agent.last_revision, cells))
    return BoardView(
        places=places, lines=tuple(lines),
        newer=f"/serving?cursor={page.previous_cursor}" if page.previous_cursor else None,
        older=f"/serving?cursor={page.next_cursor}" if page.next_cursor else None,
    )  # fmt: skip
