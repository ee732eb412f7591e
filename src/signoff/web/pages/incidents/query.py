"""What the list of incidents shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_names
from signoff.incidents.queries import incidents_page, under_way
from signoff.incidents.views import IncidentFacts
from signoff.people.access import Principal, can

PATH = "/incidents"
_STATES = (
    ("open", "Open"), ("acknowledged", "Acknowledged"), ("mitigated", "Mitigated"), ("resolved", "Resolved"),
    ("reviewed", "Reviewed"),
)  # fmt: skip
_SEVERITIES = (("sev1", "SEV-1"), ("sev2", "SEV-2"), ("sev3", "SEV-3"))


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters in the address."""

    agent: str = ""
    state: str = ""
    severity: str = ""

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is filtered."""
        return not (self.agent or self.state or self.severity)

    def address(self, **more: str) -> str:
        """Return the address of the list with these filters, below the workspace."""
        said = {"agent": self.agent, "state": self.state, "severity": self.severity, **more}
        text = urlencode({name: value for name, value in said.items() if value})
        return f"{PATH}?{text}" if text else PATH


@dataclass(frozen=True, slots=True)
class IncidentsView:
    """One page of the list. `now`: what is under way, while nothing is filtered and the first page is shown."""

    asked: Asked
    now: tuple[IncidentFacts, ...]
    rows: tuple[IncidentFacts, ...]
    newer: str | None
    older: str | None
    agents: tuple[tuple[str, str], ...]
    may_declare: bool
    states: tuple[tuple[str, str], ...] = _STATES
    severities: tuple[tuple[str, str], ...] = _SEVERITIES

    @property
    def is_bare(self) -> bool:
        """Return whether there was never an incident."""
        return self.asked.is_empty and not self.now and not self.rows


def load(session: Session, viewer: Principal, asked: Asked, cursor: str | None = None) -> IncidentsView:
    """Return the view.

    Raises:
        NotFound: there is no such agent here.
        NotAllowed: the viewer may see no incidents.
    """
    filters: dict[str, Any] = {
        "agent": asked.agent or None, "state": asked.state or None, "severity": asked.severity or None,
    }  # fmt: skip
    if asked.is_empty:
        filters["is_under_way"] = False
    page = incidents_page(session, viewer, cursor=cursor, **filters)
    return IncidentsView(
        asked=asked,
        now=tuple(under_way(session, viewer)) if asked.is_empty and cursor is None else (),
        rows=tuple(page.rows),
        newer=asked.address(cursor=page.previous_cursor) if page.previous_cursor else None,
        older=asked.address(cursor=page.next_cursor) if page.next_cursor else None,
        agents=tuple((one.slug, one.name) for one in agent_names(session, viewer)),
        may_declare=can(viewer, "incident.declare"),
    )
