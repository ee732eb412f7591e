"""What the page behind a setup link may say before the link is used."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.people import tokens
from signoff.tables.people import Person, SetupLink, Workspace


@dataclass(frozen=True, slots=True)
class LinkHolder:
    """Whom a link lets in. Whoever holds the link becomes this person, so it may be told."""

    name: str
    email: str
    workspace: str
    purpose: str
    has_password: bool


def holder_of_link(session: Session, token: str) -> LinkHolder | None:
    """Return whom a link lets in, or None when it cannot be used (any more). Looking does not use it up."""
    found = session.execute(
        select(Person.name, Person.email, Workspace.name, SetupLink.purpose, Person.password_hash.is_not(None))
        .join(Person, Person.id == SetupLink.person_id)
        .join(Workspace, Workspace.id == SetupLink.workspace_id)
        .where(
            SetupLink.token_hash == tokens.hash_of(token),
            SetupLink.used_at.is_(None),
            SetupLink.expires_at > clock.now(),
        )
    ).first()
    return LinkHolder(found[0], found[1], found[2], found[3], bool(found[4])) if found else None


def person_of_link(session: Session, token: str) -> str | None:
    """Return the id of the person a link lets in, when it could be used now. Looking does not use it up."""
    return session.scalar(
        select(SetupLink.person_id).where(
            SetupLink.token_hash == tokens.hash_of(token),
            SetupLink.used_at.is_(None),
            SetupLink.expires_at > clock.now(),
        )
    )
