"""What the pages of secrets show. A value is in none of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.connections.mentions import Mentioned, mentioned
from signoff.connections.placeholders import names_in
from signoff.connections.queries import connection, connections_page
from signoff.connections.secrets.queries import secret_row, secrets_page
from signoff.connections.views import SecretRow, Use
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, authorize, can
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments


@dataclass(frozen=True, slots=True)
class Line:
    """One secret, and who would miss it. `in_headers`: the connection itself sends it with every call."""

    row: SecretRow
    agents: tuple[Use, ...]
    in_headers: bool

    @property
    def uses(self) -> list[str]:
        """Return who uses it, in words."""
        own = [f"{self.row.connection_name} itself"] if self.in_headers else []
        return own + [use.name for use in self.agents]


@dataclass(frozen=True, slots=True)
class SecretsView:
    """The list. Addresses lie below the workspace."""

    lines: tuple[Line, ...]
    environment: str
    places: tuple[EnvironmentFacts, ...]
    newer: str | None
    older: str | None
    may_manage: bool
    has_connections: bool

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Return the environments as tabs: address, name, whether it is on screen."""
        places = [(place.slug, place.name) for place in reversed(self.places)]
        return [(self.address_for(slug), name, slug == self.environment) for slug, name in [*places, ("all", "All")]]

    def address_for(self, environment: str, cursor: str = "") -> str:
        """Return the address of the list for another environment or page."""
        said = {"environment": environment, "cursor": cursor}
        return "/secrets?" + urlencode({name: value for name, value in said.items() if value})


def load(session: Session, viewer: Principal, *, environment: str, cursor: str | None = None) -> SecretsView:
    """Return one page of the list. `environment` is a slug, or "all".

    Raises:
        NotAllowed: the viewer may not see which secrets there are.
    """
    authorize(viewer, "secret.read")
    places = environments(session, viewer)
    place = environment if environment in {one.slug for one in places} else "all"
    wanted = None if place == "all" else place
    page = secrets_page(session, viewer, environment=wanted, cursor=cursor)
    users = mentioned(session, viewer)
    configured = _configured(session, viewer, page.rows)
    view = SecretsView(
        lines=tuple(_line(row, users, configured) for row in page.rows),
        environment=place,
        places=tuple(places),
        newer=None,
        older=None,
        may_manage=can(viewer, "secret.manage"),
        has_connections=bool(connections_page(session, viewer, environment=wanted, size=1).rows),
    )
    return replace(
        view,
        newer=view.address_for(place, page.previous_cursor) if page.previous_cursor else None,
        older=view.address_for(place, page.next_cursor) if page.next_cursor else None,
    )


def _configured(session: Session, viewer: Principal, rows: Sequence[SecretRow]) -> dict[str, frozenset[str]]:
    """Return connection id → the names in its configuration. A page of secrets hangs on few connections."""
    found = sorted({row.connection_id for row in rows})
    return {one: frozenset(names_in(connection(session, viewer, one).config)) for one in found}


def _line(row: SecretRow, users: Mentioned, configured: Mapping[str, frozenset[str]]) -> Line:
    in_headers = row.name in configured.get(row.connection_id, frozenset())
    return Line(row, users.secrets.of(row.environment_id, row.name), in_headers)


@dataclass(frozen=True, slots=True)
class SecretView:
    """One secret: its facts, and the forms that replace and delete it."""

    line: Line
    may_manage: bool
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def path(self) -> str:
        """Return the address of the secret, below the workspace."""
        return f"/secrets/{self.line.row.id}"


def load_one(
    session: Session,
    viewer: Principal,
    secret_id: str,
    *,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> SecretView:
    """Return one secret.

    Raises:
        NotFound: there is no such secret where the viewer may look.
    """
    row = secret_row(session, viewer, secret_id)
    line = _line(row, mentioned(session, viewer), _configured(session, viewer, [row]))
    return SecretView(line, can(viewer, "secret.manage"), problem, errors or {})


@dataclass(frozen=True, slots=True)
class NewSecretView:
    """The form for a new secret. It has no place for a value: what was typed is never shown again."""

    connections: tuple[tuple[str, str], ...]
    connection_id: str
    name: str
    description: str
    problem: str
    errors: Mapping[str, Sequence[str]]


def load_new(
    session: Session,
    viewer: Principal,
    *,
    connection_id: str,
    name: str,
    description: str = "",
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> NewSecretView:
    """Return the form.

    Raises:
        NotAllowed: the viewer may not enter secrets.
    """
    authorize(viewer, "secret.manage")
    rows = connections_page(session, viewer, size=PAGE_SIZE_MAX).rows
    named = {row.id: f"{row.name} ({row.slug}, {row.environment_slug})" for row in rows}
    if connection_id and connection_id not in named:
        row = connection(session, viewer, connection_id).row
        named[row.id] = f"{row.name} ({row.slug}, {row.environment_slug})"
    pairs = sorted(named.items(), key=lambda pair: pair[1].casefold())
    return NewSecretView(tuple(pairs), connection_id, name[:63], description[:1_000], problem, errors or {})
