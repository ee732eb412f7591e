"""Workspaces, environments, people, members, sessions, setup links, API keys."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, Slug, State, Usd


class Workspace(Base):
    """The hard wall: everything a team owns stands inside one workspace."""

    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(Slug, unique=True)
    name: Mapped[str] = mapped_column(Name)
    time_zone: Mapped[str] = mapped_column(Name, default="UTC")
    daily_cap_usd: Mapped[Decimal | None] = mapped_column(Usd)
    # Only sessions that its own identity provider opened reach it; an owner's password still does.
    is_sso_only: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(Moment)


class Environment(Base):
    """Bindings of connections, secrets and budgets: `staging`, `production`."""

    __tablename__ = "environments"
    __table_args__ = (UniqueConstraint("workspace_id", "slug"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    slug: Mapped[str] = mapped_column(Slug)
    name: Mapped[str] = mapped_column(Name)
    is_production: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Person(Base):
    """A human being, whatever workspaces they belong to."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(Name, unique=True)
    name: Mapped[str] = mapped_column(Name)
    password_hash: Mapped[str | None] = mapped_column(Long)
    time_zone: Mapped[str | None] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Member(Base):
    """A person in a workspace, with one role."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("workspace_id", "person_id"), Index(None, "person_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    role: Mapped[str] = mapped_column(State)
    state: Mapped[str] = mapped_column(State, default="active")
    created_at: Mapped[datetime] = mapped_column(Moment)


class SignInSession(Base):
    """A browser that is signed in. The token itself is never stored, only its hash."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "person_id"), Index(None, "expires_at"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Hash, unique=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    user_agent: Mapped[str] = mapped_column(Name, default="")
    # The identity provider that opened it. Such a session reaches its own workspace and nothing else of its person.
    provider_id: Mapped[str | None] = mapped_column(Id)


class SetupLink(Base):
    """A one-time link: first sign-in, invitation, reset. Stored hashed; good once."""

    __tablename__ = "setup_links"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Hash, unique=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    purpose: Mapped[str] = mapped_column(State)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class ApiKey(Base):
    """A key for programs: shown once, stored hashed, found by its prefix."""

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "workspace_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str | None] = mapped_column(ForeignKey("environments.id"))
    name: Mapped[str] = mapped_column(Name)
    prefix: Mapped[str] = mapped_column(Name, unique=True)
    key_hash: Mapped[str] = mapped_column(Hash, unique=True)
    role: Mapped[str] = mapped_column(State)
    scopes: Mapped[list[Any]] = mapped_column(Json)
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
