"""Links to outside systems, the tools they offer, and secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
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
    """A value nobody can read back: encrypted, bound to the hosts of one connection (or to named hosts)."""

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("environment_id", "name"), Index(None, "workspace_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Long, default="")
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    hosts: Mapped[list[Any]] = mapped_column(Json)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Name)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Moment)
    rotated_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
