"""Links to outside systems, the tools they offer, and secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, Slug, State


class Connection(Base):
    """A link to one outside system, in one environment. Its slug is the slot agents name."""

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("environment_id", "slug"), Index(None, "workspace_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    slug: Mapped[str] = mapped_column(Slug)
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(State)
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(State, default="active")
    health: Mapped[str] = mapped_column(State, default="unknown")
    last_error: Mapped[str | None] = mapped_column(Long)
    last_error_code: Mapped[str | None] = mapped_column(Name)
    broken_at: Mapped[datetime | None] = mapped_column(Moment)
    checked_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Tool(Base):
    """One tool of a connection, pinned by the hash of its definition when it was accepted.

    `definition` is what was accepted and is what agents use. `offered` is what the system offers now when that
    differs; until someone accepts it, the tool is refused.
    """

    __tablename__ = "tools"
    __table_args__ = (UniqueConstraint("connection_id", "name"), Index(None, "workspace_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    name: Mapped[str] = mapped_column(Name)
    definition: Mapped[dict[str, Any]] = mapped_column(Json)
    definition_hash: Mapped[str] = mapped_column(Hash)
    offered: Mapped[dict[str, Any] | None] = mapped_column(Json)
    offered_hash: Mapped[str | None] = mapped_column(Hash)
    effect: Mapped[str] = mapped_column(State)
    effect_source: Mapped[str] = mapped_column(State)
    is_idempotent: Mapped[bool] = mapped_column(default=False)
    # What flows through it, see `connections/labels.py`; null while nobody has said anything.
    labels: Mapped[dict[str, Any] | None] = mapped_column(Json)
    state: Mapped[str] = mapped_column(State)
    discovered_at: Mapped[datetime] = mapped_column(Moment)
    accepted_at: Mapped[datetime | None] = mapped_column(Moment)
    accepted_by: Mapped[str | None] = mapped_column(Id)


class Secret(Base):
    """A secret: what it is called, where it may go, whose it is. Its values are its versions.

    `ciphertext`, `nonce` and `key_id` are where releases before versions kept the one value; they are read while no
    version of this number exists, and emptied by the next rotation.
    """

    __tablename__ = "secrets"
    __table_args__ = (
        UniqueConstraint("environment_id", "name"),
        Index(None, "workspace_id", "id"),
        Index(None, "workspace_id", "expires_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Long, default="")
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    hosts: Mapped[list[Any]] = mapped_column(Json)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    nonce: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    key_id: Mapped[str] = mapped_column(Name, default="")
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Moment)
    rotated_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    sensitivity: Mapped[str] = mapped_column(State, default="standard", server_default="standard")
    # Whose login it is: the workspace's (service), or one member's (personal).
    principal: Mapped[str] = mapped_column(State, default="service", server_default="service")
    owner_id: Mapped[str | None] = mapped_column(Id)
    owner_name: Mapped[str | None] = mapped_column(Name)
    # When the other side lets it run out, in UTC; known because a person said so.
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    # The nearest threshold, in days, that was already warned of; null when none was.
    expiry_warned_days: Mapped[int | None]
    # Every agent that lists it may use it. Only for what a release before grants made: new secrets start closed.
    is_open_to_all: Mapped[bool] = mapped_column(default=False, server_default=true())


class SecretVersion(Base):
    """One value of a secret, sealed; or where in an outside store it is. Erased ones keep who, when and why."""

    __tablename__ = "secret_versions"
    __table_args__ = (Index(None, "workspace_id", "secret_id"), Index(None, "key_id"))

    secret_id: Mapped[str] = mapped_column(ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    state: Mapped[str] = mapped_column(State)
    # Where the value is: sealed here (built_in), or in an outside store (env, vault, aws) under `reference`.
    source: Mapped[str] = mapped_column(State)
    reference: Mapped[str | None] = mapped_column(Long)
    # Where it may go: what the connection led to when it was entered. Null when a release before did not write it.
    hosts: Mapped[list[Any] | None] = mapped_column(Json)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Name)
    reason: Mapped[str] = mapped_column(Long)
    restored_from: Mapped[int | None]
    created_by: Mapped[str | None] = mapped_column(Id)
    created_by_name: Mapped[str | None] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class SecretGrant(Base):
    """An agent that may use a secret, once its revision lists it too."""

    __tablename__ = "secret_grants"
    __table_args__ = (Index(None, "workspace_id", "agent_id"),)

    secret_id: Mapped[str] = mapped_column(ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True)
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    granted_by: Mapped[str | None] = mapped_column(Id)
    granted_by_name: Mapped[str | None] = mapped_column(Name)
    granted_at: Mapped[datetime] = mapped_column(Moment)


class SecretUse(Base):
    """That a run read a version of a secret: one row however often it did."""

    __tablename__ = "secret_uses"
    __table_args__ = (Index(None, "workspace_id", "secret_id", "first_at"), Index(None, "first_at"))

    secret_id: Mapped[str] = mapped_column(ForeignKey("secrets.id", ondelete="CASCADE"), primary_key=True)
    run_id: Mapped[str] = mapped_column(Id, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(Id)
    agent_name: Mapped[str] = mapped_column(Name)
    revision_number: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(Moment)


class DataKey(Base):
    """The key that seals a workspace's secrets, itself sealed by the master key. The highest number is in use."""

    __tablename__ = "data_keys"
    __table_args__ = (UniqueConstraint("workspace_id", "number"), Index(None, "key_id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    number: Mapped[int]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Login(Base):
    """How a connection signs in by OAuth, and the tokens it has. One for each connection.

    `tokens` and `client_secret` are sealed like secrets. `version` rises with each change of what is sealed, so that
    of two workers who refresh, one keeps its answer. `is_in_doubt` is set before a refresh and taken back with its
    answer: found set, an earlier answer never reached the database.
    """

    __tablename__ = "logins"
    __table_args__ = (
        UniqueConstraint("connection_id"),
        Index(None, "workspace_id", "id"),
        Index(None, "state", "refresh_due_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"), index=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    kind: Mapped[str] = mapped_column(State)
    principal: Mapped[str] = mapped_column(State)
    member_id: Mapped[str | None] = mapped_column(Id)
    member_name: Mapped[str | None] = mapped_column(Name)
    issuer: Mapped[str | None] = mapped_column(Long)
    authorize_url: Mapped[str | None] = mapped_column(Long)
    token_url: Mapped[str] = mapped_column(Long)
    revoke_url: Mapped[str | None] = mapped_column(Long)
    resource: Mapped[str | None] = mapped_column(Long)
    client_id: Mapped[str] = mapped_column(Long)
    client_auth: Mapped[str] = mapped_column(State)
    client_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    client_secret_nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    client_secret_key_id: Mapped[str | None] = mapped_column(Name)
    client_secret_version: Mapped[int] = mapped_column(default=0)
    is_registered_by_us: Mapped[bool] = mapped_column(default=False)
    scopes_asked: Mapped[list[Any]] = mapped_column(Json)
    scopes_granted: Mapped[list[Any]] = mapped_column(Json)
    hosts: Mapped[list[Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(State)
    tokens: Mapped[bytes | None] = mapped_column(LargeBinary)
    tokens_nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    tokens_key_id: Mapped[str | None] = mapped_column(Name)
    can_refresh: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    refresh_due_at: Mapped[datetime | None] = mapped_column(Moment)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    lease_holder: Mapped[str | None] = mapped_column(Id)
    is_in_doubt: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Long)
    authorised_at: Mapped[datetime | None] = mapped_column(Moment)
    last_refreshed_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class LoginAttempt(Base):
    """Somebody who was sent to a provider to authorise a login, and is expected back once, in the same browser.

    `state` is stored hashed, `verifier` (PKCE) sealed.
    """

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    login_id: Mapped[str] = mapped_column(ForeignKey("logins.id"), index=True)
    state_hash: Mapped[str] = mapped_column(Hash, unique=True)
    session_hash: Mapped[str] = mapped_column(Hash)
    member_id: Mapped[str] = mapped_column(Id)
    verifier: Mapped[bytes] = mapped_column(LargeBinary)
    verifier_nonce: Mapped[bytes] = mapped_column(LargeBinary)
    verifier_key_id: Mapped[str] = mapped_column(Name)
    redirect_uri: Mapped[str] = mapped_column(Long)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)
