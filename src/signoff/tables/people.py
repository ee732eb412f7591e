"""Workspaces, environments, roles, people, members, service accounts, API keys, and all about signing in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, BigId, Hash, Id, Json, Long, Moment, Name, Slug, State, Usd


class Workspace(Base):
    """The hard wall: everything a team owns stands inside one workspace."""

    __tablename__ = "workspaces"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(Slug, unique=True)
    name: Mapped[str] = mapped_column(Name)
    time_zone: Mapped[str] = mapped_column(Name, default="UTC")
    # A copy of its limit for the day (`budget_limits`), for the release before this one.
    daily_cap_usd: Mapped[Decimal | None] = mapped_column(Usd)
    # The member who may take emergency action on any agent. Not a foreign key: members point here already.
    last_resort_id: Mapped[str | None] = mapped_column(Id)
    # How its members sign in.
    is_second_factor_required: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_password_allowed: Mapped[bool] = mapped_column(default=True, server_default=true())
    # None: it works. Else an instance administrator shut it: nobody gets in, and no run starts.
    suspended_at: Mapped[datetime | None] = mapped_column(Moment)
    suspended_reason: Mapped[str | None] = mapped_column(Long)
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
    # Only administrators and holders of a deploying grant switch what serves here.
    is_deploy_restricted: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whoever wrote a revision does not make it live here: somebody else does.
    is_four_eyes: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Where it stands in lists, from 0; production is a flag, not a place.
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    # A copy of its limit for the day, as with the workspace.
    daily_cap_usd: Mapped[Decimal | None] = mapped_column(Usd)
    created_at: Mapped[datetime] = mapped_column(Moment)


class CustomRole(Base):
    """A role that a workspace made for itself. Members and keys carry its slug where others carry a built-in role."""

    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("workspace_id", "slug"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    slug: Mapped[str] = mapped_column(State)
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Long, default="")
    permissions: Mapped[dict[str, Any]] = mapped_column(Json)
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)


class Person(Base):
    """A human being, whatever workspaces they belong to."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(Name, unique=True)
    name: Mapped[str] = mapped_column(Name)
    password_hash: Mapped[str | None] = mapped_column(Long)
    # When a mailed link, or the operator's, showed that whoever set the password holds the address.
    address_proven_at: Mapped[datetime | None] = mapped_column(Moment)
    time_zone: Mapped[str | None] = mapped_column(Name)
    has_single_keys: Mapped[bool] = mapped_column(default=True, server_default=true())
    # Makes, suspends and resumes workspaces; sees their names and counts, never what is in them.
    is_instance_administrator: Mapped[bool] = mapped_column(default=False, server_default=false())
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
    # What whoever invited them called them: until they come in, the workspace is told no other name.
    invited_name: Mapped[str | None] = mapped_column(Name)
    # Empty until they come in for the first time: invited.
    accepted_at: Mapped[datetime | None] = mapped_column(Moment)


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
    # How it was opened: `password`, `link`, or a method that another room adds.
    method: Mapped[str] = mapped_column(State, default="password", server_default="password")
    is_two_factor: Mapped[bool] = mapped_column(default=False, server_default=false())


class SecondFactor(Base):
    """The secret of a person's authenticator app, sealed. It counts once it is confirmed with a code."""

    __tablename__ = "second_factors"

    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), primary_key=True)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Name)
    # The newest half minute whose code was used: no code is good twice.
    last_step: Mapped[int] = mapped_column(BigId, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    # The sign-in that began it: only that one sees it and confirms it. Empty when a signed-in person began it.
    begun_by: Mapped[str | None] = mapped_column(Id)


class RecoveryCode(Base):
    """A code that stands in for a lost authenticator app, once. Stored hashed."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("person_id", "code_hash"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    code_hash: Mapped[str] = mapped_column(Hash)
    created_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class PendingSignIn(Base):
    """A sign-in that waits for its second factor: it opens nothing by itself. Stored hashed; ends after minutes."""

    __tablename__ = "pending_sign_ins"
    __table_args__ = (Index(None, "expires_at"), Index(None, "person_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Hash, unique=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    # Where to go in; empty for the workspace they joined last.
    workspace_id: Mapped[str | None] = mapped_column(ForeignKey("workspaces.id"))
    method: Mapped[str] = mapped_column(State)
    how: Mapped[str] = mapped_column(Name)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Throttle(Base):
    """How many attempts something has left, or that it is remembered for a time. Its name is stored hashed."""

    __tablename__ = "throttles"
    __table_args__ = (Index(None, "full_at_ms"),)

    key_hash: Mapped[str] = mapped_column(Hash, primary_key=True)
    # When the whole allowance is back, or the time to remember is over, in milliseconds since 1970.
    full_at_ms: Mapped[int] = mapped_column(BigId)


class RateCount(Base):
    """What one caller, workspace or address took of its rate in the last minute, over all processes."""

    __tablename__ = "rate_counts"
    __table_args__ = (Index(None, "last_at"),)

    key_hash: Mapped[str] = mapped_column(Hash, primary_key=True)
    # Pairs of seconds since 1970, numbered → how many were taken in them.
    slots: Mapped[dict[str, Any]] = mapped_column(Json)
    # In seconds since 1970.
    last_at: Mapped[int] = mapped_column(BigId)


class SetupLink(Base):
    """A one-time link: first sign-in, invitation, reset. Stored hashed; good once."""

    __tablename__ = "setup_links"
    __table_args__ = (Index(None, "person_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(Hash, unique=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"))
    purpose: Mapped[str] = mapped_column(State)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
    # What became of the mail that carries it, where this installation sends mail.
    mailed_at: Mapped[datetime | None] = mapped_column(Moment)
    mail_error: Mapped[str | None] = mapped_column(Name)


class ServiceAccount(Base):
    """Who automation is when no person is: it owns keys, has one role, and stays when people leave."""

    __tablename__ = "service_accounts"
    __table_args__ = (UniqueConstraint("workspace_id", "slug"), Index(None, "workspace_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str | None] = mapped_column(ForeignKey("environments.id"))
    slug: Mapped[str] = mapped_column(Slug)
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Long, default="")
    role: Mapped[str] = mapped_column(State)
    state: Mapped[str] = mapped_column(State, default="active")
    # The member to ask about it. It is no right, and the account does not end with the member.
    contact_id: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    created_by: Mapped[str] = mapped_column(Id)
    created_by_name: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Moment)


class ApiKey(Base):
    """A key for programs: shown once, stored hashed, found by its prefix."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index(None, "workspace_id", "id"),
        Index(None, "workspace_id", "owner_id"),
        Index(None, "old_prefix"),
        Index(None, "expires_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str | None] = mapped_column(ForeignKey("environments.id"))
    # `member` or `service_account`, and its id. Null in a row that the release before wrote while this one came.
    owner_kind: Mapped[str | None] = mapped_column(State)
    owner_id: Mapped[str | None] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    prefix: Mapped[str] = mapped_column(Name, unique=True)
    key_hash: Mapped[str] = mapped_column(Hash, unique=True)
    role: Mapped[str] = mapped_column(State)
    scopes: Mapped[list[Any]] = mapped_column(Json)
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_address: Mapped[str | None] = mapped_column(Name)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    # The secret before the last rotation. It is good until `old_until`; after that its use is noticed.
    rotated_at: Mapped[datetime | None] = mapped_column(Moment)
    old_prefix: Mapped[str | None] = mapped_column(Name)
    old_key_hash: Mapped[str | None] = mapped_column(Hash)
    old_until: Mapped[datetime | None] = mapped_column(Moment)
    # When somebody last tried it although it was over, and from where.
    refused_at: Mapped[datetime | None] = mapped_column(Moment)
    refused_address: Mapped[str | None] = mapped_column(Name)
    # When an alert was raised that it expires soon.
    warned_at: Mapped[datetime | None] = mapped_column(Moment)
