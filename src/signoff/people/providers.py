"""Reads of identity providers: what settings show, and the few facts a visitor may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.kit.canonical import canonical_json
from signoff.kit.errors import NotFound
from signoff.kit.sealing import Sealed, Sealer
from signoff.people.access import Principal, authorize
from signoff.tables.identity import Identity, IdentityProvider
from signoff.tables.people import Member, Person, Workspace

PROVIDERS_MAX = 20


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """A provider's client secret belongs to its row and its issuer: put beside another issuer it does not open."""

    workspace_id: str
    provider_id: str
    issuer: str

    @property
    def aad(self) -> bytes:
        """Return what is authenticated along with the secret."""
        return canonical_json(
            ["signoff.identity_provider.v1", self.workspace_id, self.provider_id, self.issuer]
        ).encode()


@dataclass(frozen=True, slots=True)
class RoleRule:
    """Whoever is in the group has the role."""

    group: str
    role: str


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """An identity provider, without its secret. `is_vouched`: an owner confirmed it as it stands."""

    id: str
    workspace_id: str
    name: str
    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    email_verified_claim: str
    group_claim: str
    role_rules: tuple[RoleRule, ...]
    default_role: str | None
    makes_members: bool
    domains: tuple[str, ...]
    is_enabled: bool
    is_vouched: bool
    version: int
    people: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """An account at a provider and the member it signs in as."""

    id: str
    member_id: str
    name: str
    role: str
    email: str
    created_at: datetime
    last_used_at: datetime


@dataclass(frozen=True, slots=True)
class Door:
    """What a visitor may know of a provider: its name, and which workspace it leads into."""

    id: str
    name: str
    workspace: str
    workspace_slug: str


def facts_of(row: IdentityProvider, people: int = 0) -> ProviderFacts:
    """Return a row as facts."""
    rules = cast(list[list[Any]], row.role_rules)
    return ProviderFacts(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        issuer=row.issuer,
        client_id=row.client_id,
        scopes=tuple(str(scope) for scope in row.scopes),
        email_verified_claim=row.email_verified_claim,
        group_claim=row.group_claim,
        role_rules=tuple(RoleRule(str(group), str(role)) for group, role in rules),
        default_role=row.default_role,
        makes_members=row.makes_members,
        domains=tuple(str(domain) for domain in row.domains),
        is_enabled=row.is_enabled,
        is_vouched=row.vouched_by is not None,
        version=row.version,
        people=people,
        changed_at=row.changed_at,
    )


def client_secret(sealer: Sealer, row: IdentityProvider) -> str:
    """Return a provider's client secret, for the one request that proves who we are.

    Raises:
        Fault: it does not open with this process's keys.
    """
    sealed = Sealed(row.ciphertext, row.nonce, row.key_id)
    return sealer.open(sealed, SecretPlace(row.workspace_id, row.id, row.issuer).aad)


def provider_row(session: Session, viewer: Principal, provider_id: str) -> IdentityProvider:
    """Return a provider of the viewer's workspace, for those who may manage it."""
    authorize(viewer, "identity.manage")
    row = session.scalar(
        select(IdentityProvider).where(
            IdentityProvider.id == provider_id, IdentityProvider.workspace_id == viewer.workspace_id
        )
    )
    if row is None:
        raise NotFound("There is no such identity provider in this workspace.")
    return row


def provider(session: Session, viewer: Principal, provider_id: str) -> ProviderFacts:
    """Return one provider of the viewer's workspace."""
    row = provider_row(session, viewer, provider_id)
    people = session.scalar(select(func.count()).select_from(Identity).where(Identity.provider_id == row.id))
    return facts_of(row, people or 0)


def providers(session: Session, viewer: Principal) -> list[ProviderFacts]:
    """Return the providers of the viewer's workspace; there are never more than `PROVIDERS_MAX`."""
    authorize(viewer, "identity.manage")
    counted = (
        select(Identity.provider_id, func.count().label("people"))
        .where(Identity.workspace_id == viewer.workspace_id)
        .group_by(Identity.provider_id)
        .subquery()
    )
    rows = session.execute(
        select(IdentityProvider, func.coalesce(counted.c.people, 0))
        .outerjoin(counted, counted.c.provider_id == IdentityProvider.id)
        .where(IdentityProvider.workspace_id == viewer.workspace_id)
        .order_by(IdentityProvider.id)
        .limit(PROVIDERS_MAX)
    )
    return [facts_of(row, people) for row, people in rows]


def identities(session: Session, viewer: Principal, provider_id: str, *, size: int = 200) -> list[IdentityFacts]:
    """Return whom a provider signs in, the last to come first; at most `size`."""
    row = provider_row(session, viewer, provider_id)
    found = session.execute(
        select(Identity, Member, Person)
        .join(Person, Person.id == Identity.person_id)
        .join(Member, (Member.person_id == Identity.person_id) & (Member.workspace_id == Identity.workspace_id))
        .where(Identity.provider_id == row.id)
        .order_by(Identity.last_used_at.desc(), Identity.id)
        .limit(size)
    )
    return [
        IdentityFacts(
            one.id,
            member.id,
            person.name,
            member.role if member.state == "active" else member.state,
            one.email,
            one.created_at,
            one.last_used_at,
        )
        for one, member, person in found
    ]


def is_sso_only(session: Session, viewer: Principal) -> bool:
    """Return whether the viewer's workspace is entered through single sign-on only, an owner's password excepted."""
    return not session.scalar(select(Workspace.is_password_allowed).where(Workspace.id == viewer.workspace_id))


def way_in(session: Session, workspace_id: str) -> str | None:
    """Return what single sign-on is called once somebody has come in through an enabled provider; else None."""
    proven = session.scalar(
        select(Identity.id)
        .join(IdentityProvider, IdentityProvider.id == Identity.provider_id)
        .where(IdentityProvider.workspace_id == workspace_id, IdentityProvider.is_enabled.is_(True))
        .limit(1)
    )
    return "single sign-on" if proven else None


def doors_of(session: Session, workspace_slug: str) -> list[Door]:
    """Return the ways into a workspace, for the sign-in page. An unknown workspace has none, like one without."""
    return _doors(session, Workspace.slug == workspace_slug)


def door(session: Session, provider_id: str) -> Door | None:
    """Return one enabled provider as a visitor may see it."""
    found = _doors(session, IdentityProvider.id == provider_id)
    return found[0] if found else None


def only_doors(session: Session) -> list[Door]:
    """Return the ways in where there is one workspace only; where there are several, none: who they are is not told."""
    slugs = session.scalars(select(Workspace.slug).order_by(Workspace.id).limit(2)).all()
    return doors_of(session, slugs[0]) if len(slugs) == 1 else []


def is_any_door(session: Session) -> bool:
    """Return whether any workspace has single sign-on."""
    found = select(IdentityProvider.id).where(IdentityProvider.is_enabled.is_(True)).limit(1)
    return session.scalar(found) is not None


def _doors(session: Session, which: Any) -> list[Door]:
    rows = session.execute(
        select(IdentityProvider.id, IdentityProvider.name, Workspace.name, Workspace.slug)
        .join(Workspace, Workspace.id == IdentityProvider.workspace_id)
        .where(IdentityProvider.is_enabled.is_(True), which)
        .order_by(IdentityProvider.id)
        .limit(PROVIDERS_MAX)
    )
    return [Door(*row) for row in rows]
