"""What the pages of secrets show. A value is in none of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from signoff.agents.queries import agents_page
from signoff.connections.mentions import Mentioned, mentioned
from signoff.connections.placeholders import names_in
from signoff.connections.queries import connection, connections_page
from signoff.connections.secrets.queries import secrets_page
from signoff.connections.views import SecretRow, Use
from signoff.kit import clock
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, authorize, can
from signoff.people.facts import EnvironmentFacts
from signoff.people.queries import environments
from signoff.web.secret_words import ends_word, where_word

_AGENTS_SHOWN = 50


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

    @property
    def where(self) -> str:
        """Return where its value is."""
        return where_word(self.row)

    @property
    def ends(self) -> tuple[str, str] | None:
        """Return a word and its tone when the end is near."""
        return ends_word(self.row.expires_at, clock.now())


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
        may_manage=_may_enter(viewer),
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
class Typed:
    """What was typed into the form for a new secret, but for the value: that is never shown again."""

    connection_id: str = ""
    name: str = ""
    description: str = ""
    reference: str = ""
    expires_at: str = ""
    is_high: bool = False
    is_personal: bool = False
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewSecretView:
    """The form for a new secret."""

    connections: tuple[tuple[str, str], ...]
    agents: tuple[tuple[str, str, bool], ...]
    typed: Typed
    may_be_personal: bool
    must_be_personal: bool
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def connection_id(self) -> str:
        """Return the connection chosen."""
        return self.typed.connection_id

    @property
    def name(self) -> str:
        """Return the name typed."""
        return self.typed.name[:63]

    @property
    def description(self) -> str:
        """Return the description typed."""
        return self.typed.description[:1_000]


def load_new(
    session: Session,
    viewer: Principal,
    typed: Typed,
    *,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> NewSecretView:
    """Return the form.

    Raises:
        NotAllowed: the viewer may not enter secrets.
    """
    if not _may_enter(viewer):
        authorize(viewer, "secret.manage")
    rows = connections_page(session, viewer, size=PAGE_SIZE_MAX).rows
    named = {row.id: f"{row.name} ({row.slug}, {row.environment_slug})" for row in rows}
    if typed.connection_id and typed.connection_id not in named:
        row = connection(session, viewer, typed.connection_id).row
        named[row.id] = f"{row.name} ({row.slug}, {row.environment_slug})"
    pairs = sorted(named.items(), key=lambda pair: pair[1].casefold())
    agents = agents_page(session, viewer, size=_AGENTS_SHOWN).rows
    return NewSecretView(
        connections=tuple(pairs),
        agents=tuple((one.id, one.name, one.id in typed.agents) for one in agents),
        typed=typed,
        may_be_personal=viewer.kind == "member",
        must_be_personal=not can(viewer, "secret.manage"),
        problem=problem,
        errors=errors or {},
    )


def _may_enter(viewer: Principal) -> bool:
    return can(viewer, "secret.manage") or (viewer.kind == "member" and can(viewer, "secret.manage_personal"))
