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
