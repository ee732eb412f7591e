"""What the list of connections shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.connections.mentions import mentioned
from signoff.connections.queries import connections_page
from signoff.connections.states import KINDS as KIND_NAMES
from signoff.connections.views import ConnectionRow, Use
from signoff.freezes.queries import Freeze, active_freezes
from signoff.people.access import Principal, can
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments
from signoff.web.connection_words import KINDS, KindWords, health_of, words_of

STATES = ("active", "disabled", "disconnected")


@dataclass(frozen=True, slots=True)
class Line:
    """One connection of the list. `health` is a state to draw and its own word."""

    row: ConnectionRow
    words: KindWords
    health: tuple[str, str]
    used_by: tuple[Use, ...]
    freeze: Freeze | None

    @property
    def is_broken(self) -> bool:
        """Return whether it is meant to work and does not."""
        return self.row.state == "active" and self.row.health == "broken"


@dataclass(frozen=True, slots=True)
class ConnectionsView:
    """The list for one environment, or for all. Addresses lie below the workspace."""

    lines: tuple[Line, ...]
    environment: str
    places: tuple[EnvironmentFacts, ...]
    kind: str
    state: str
    newer: str | None
    older: str | None
    may_manage: bool
    workspace_freeze: Freeze | None
    kinds: tuple[KindWords, ...] = KINDS

    @property
    def is_filtered(self) -> bool:
        """Return whether more than the environment narrows the list."""
        return bool(self.kind or self.state)

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Return the environments as tabs: address, name, whether it is on screen."""
        places = [(place.slug, place.name) for place in reversed(self.places)]
        return [
            (self.address_for(slug), name, slug == self.environment)
            for slug, name in [*places, ("all", "All environments")]
        ]

    @property
    def kind_options(self) -> list[tuple[str, str]]:
        """Return the kinds as a filter offers them."""
        return [(words.kind, words.name) for words in self.kinds]

    @property
    def new_path(self) -> str:
        """Return where a connection of this environment is made."""
        return "/connections/new" + (f"?environment={self.environment}" if self.environment != "all" else "")

    @property
    def address(self) -> str:
        """Return the address of this list, without what is not set."""
        return self.address_for(self.environment)

    def address_for(self, environment: str, **more: str) -> str:
        """Return the address of the same list for another environment or page."""
        said = {"environment": environment, "kind": self.kind, "state": self.state, **more}
        return "/connections?" + urlencode({name: value for name, value in said.items() if value})


def load(
    session: Session, viewer: Principal, *, environment: str, kind: str = "", state: str = "", cursor: str | None = None
) -> ConnectionsView:
    """Return one page of the list.

    Args:
        environment: a slug, or "all".
    """
    places = environments(session, viewer)
    place = environment if environment in {one.slug for one in places} else "all"
    kind = kind if kind in KIND_NAMES else ""
    state = state if state in STATES else ""
    page = connections_page(
        session,
        viewer,
        environment=None if place == "all" else place,
        kind=kind or None,
        state=state or None,
        cursor=cursor,
    )
    users, frozen = mentioned(session, viewer), active_freezes(session, viewer)
    by_target = {freeze.target_id: freeze for freeze in frozen if freeze.scope == "connection"}
    lines = tuple(
        Line(
            row, words_of(row.kind), health_of(row), users.slots.of(row.environment_id, row.slug), by_target.get(row.id)
        )
        for row in page.rows
    )
    view = ConnectionsView(
        lines=lines,
        environment=place,
        places=tuple(places),
        kind=kind,
        state=state,
        newer=None,
        older=None,
        may_manage=can(viewer, "connection.manage"),
        workspace_freeze=next((freeze for freeze in frozen if freeze.scope == "workspace"), None),
    )
    return replace(
        view,
        newer=view.address_for(place, cursor=page.previous_cursor) if page.previous_cursor else None,
        older=view.address_for(place, cursor=page.next_cursor) if page.next_cursor else None,
    )
