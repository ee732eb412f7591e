"""What the page of one secret shows. A value is in none of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from signoff.agents.queries import agents_page
from signoff.connections.mentions import mentioned
from signoff.connections.placeholders import names_in
from signoff.connections.queries import connection
from signoff.connections.secrets.queries import grants_of, secret_row, uses_of, versions_of
from signoff.connections.views import SecretGrantRow, SecretRow, SecretUseRow, SecretVersionRow, Use
from signoff.kit import clock
from signoff.people.access import Principal, can
from signoff.web.secret_words import ends_word, where_word

_AGENTS_SHOWN = 200
_VERSIONS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class GrantLine:
    """An agent that was granted it, or that lists it and was not. `use` says where it lists it."""

    slug: str
    name: str
    grant: SecretGrantRow | None
    use: Use | None

    @property
    def lists(self) -> str:
        """Return where the agent lists the secret, in words."""
        if self.use is None:
            return "nowhere"
        return "what serves" if self.use.in_live else "its draft"


@dataclass(frozen=True, slots=True)
class SecretView:
    """One secret: its facts, and the forms that change it."""

    row: SecretRow
    where: str
    ends: tuple[str, str] | None
    in_headers: bool
    agents: tuple[GrantLine, ...]
    others: tuple[tuple[str, str], ...]
    versions: tuple[SecretVersionRow, ...]
    older_versions: int
    uses: tuple[SecretUseRow, ...]
    may_change: bool
    may_share: bool
    may_read_runs: bool
    problem: str
    errors: Mapping[str, Sequence[str]]
    typed: Mapping[str, str]

    @property
    def path(self) -> str:
        """Return the address of the secret, below the workspace."""
        return f"/secrets/{self.row.id}"

    @property
    def is_high(self) -> bool:
        """Return whether a change needs a reason."""
        return self.row.sensitivity == "high"

    @property
    def users(self) -> list[str]:
        """Return who would miss it, in words."""
        own = [f"{self.row.connection_name} itself"] if self.in_headers else []
        return own + [line.name for line in self.agents if line.use is not None]

    def value(self, name: str, kept: str) -> str:
        """Return what was typed into a field, or what is kept."""
        return self.typed.get(name, kept)

    def whose(self, moment: datetime | None = None) -> str:
        """Return whose login it is, in words."""
        if self.row.principal != "personal":
            return "The workspace's own"
        return f"The personal login of {self.row.owner_name or 'someone'}"


def load(
    session: Session,
    viewer: Principal,
    secret_id: str,
    *,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    typed: Mapping[str, str] | None = None,
) -> SecretView:
    """Return one secret.

    Raises:
        NotFound: there is no such secret where the viewer may look.
    """
    row = secret_row(session, viewer, secret_id)
    versions = versions_of(session, viewer, secret_id)
    may_change = _may_change(viewer, row)
    agents = _agents(session, viewer, row)
    known = {line.slug for line in agents if line.grant is not None}
    every = agents_page(session, viewer, size=_AGENTS_SHOWN).rows if may_change else ()
    return SecretView(
        row=row,
        where=where_word(row),
        ends=ends_word(row.expires_at, clock.now()),
        in_headers=row.name in names_in(connection(session, viewer, row.connection_id).config),
        agents=agents,
        others=tuple((one.slug, one.name) for one in every if one.slug not in known),
        versions=versions[:_VERSIONS_SHOWN],
        older_versions=max(0, len(versions) - _VERSIONS_SHOWN),
        uses=uses_of(session, viewer, secret_id),
        may_change=may_change,
        may_share=may_change and can(viewer, "secret.manage", environment_id=row.environment_id),
        may_read_runs=can(viewer, "run.read"),
        problem=problem,
        errors=errors or {},
        typed=typed or {},
    )


def _may_change(viewer: Principal, row: SecretRow) -> bool:
    if row.principal == "personal":
        return can(viewer, "secret.manage_personal", owners=(row.owner_id,), environment_id=row.environment_id)
    return can(viewer, "secret.manage", environment_id=row.environment_id)


def _agents(session: Session, viewer: Principal, row: SecretRow) -> tuple[GrantLine, ...]:
    uses = {use.slug: use for use in mentioned(session, viewer).secrets.of(row.environment_id, row.name)}
    grants = {grant.agent_slug: grant for grant in grants_of(session, viewer, row.id)}
    names = {slug: use.name for slug, use in uses.items()} | {slug: one.agent_name for slug, one in grants.items()}
    return tuple(GrantLine(slug, names[slug], grants.get(slug), uses.get(slug)) for slug in sorted(names))
