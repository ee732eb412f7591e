"""Single sign-on: the identity providers of a workspace, whom they speak for, and sign-ins that are under way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, State


class IdentityProvider(Base):
    """An OpenID Connect issuer that a workspace trusts to say who its members are.

    `role_rules` is an ordered list of `[group, role]`. `default_role` None refuses whoever is in no listed group.
    `vouched_by` is the owner who confirmed it as it stands: without one it lets no owner in.
    """

    __tablename__ = "identity_providers"
    __table_args__ = (Index(None, "workspace_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(Name)
    issuer: Mapped[str] = mapped_column(Long)
    client_id: Mapped[str] = mapped_column(Long)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Name)
    scopes: Mapped[list[Any]] = mapped_column(Json)
    email_verified_claim: Mapped[str] = mapped_column(Name)
    group_claim: Mapped[str] = mapped_column(Name)
    role_rules: Mapped[list[Any]] = mapped_column(Json)
    default_role: Mapped[str | None] = mapped_column(State)
    makes_members: Mapped[bool] = mapped_column(default=False)
    domains: Mapped[list[Any]] = mapped_column(Json)
    is_enabled: Mapped[bool] = mapped_column(default=False)
    vouched_by: Mapped[str | None] = mapped_column(Id)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)


class Identity(Base):
    """One account at a provider, and the person it is. `subject` is the provider's own name for the account."""

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("provider_id", "subject"),
        UniqueConstraint("provider_id", "person_id"),
        Index(None, "person_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    provider_id: Mapped[str] = mapped_column(ForeignKey("identity_providers.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    subject: Mapped[str] = mapped_column(Long)
    email: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_used_at: Mapped[datetime] = mapped_column(Moment)


class SignInAttempt(Base):
    """A browser that was sent to a provider and is expected back, once. Its cookie is stored as a hash only."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    provider_id: Mapped[str] = mapped_column(ForeignKey("identity_providers.id"))
    token_hash: Mapped[str] = mapped_column(Hash, unique=True)
    issuer: Mapped[str] = mapped_column(Long)
    target: Mapped[str] = mapped_column(Long)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
