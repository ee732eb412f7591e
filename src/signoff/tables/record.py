"""What happened: audit, outbox, blobs, answered requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, BigId, Hash, Id, Json, Long, Moment, Name, State


class AuditRow(Base):
    """One privileged action, chained to the one before it in its workspace."""

    __tablename__ = "audit"
    __table_args__ = (
        UniqueConstraint("workspace_id", "seq"),
        Index(None, "workspace_id", "object_id", "seq"),
        Index(None, "workspace_id", "actor_id", "seq"),
        Index(None, "workspace_id", "action", "seq"),
        Index(None, "workspace_id", "run_id", "seq"),
        Index(None, "workspace_id", "at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    seq: Mapped[int] = mapped_column(BigId)
    at: Mapped[datetime] = mapped_column(Moment)
    actor_kind: Mapped[str] = mapped_column(State)
    actor_id: Mapped[str] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(Name)
    action: Mapped[str] = mapped_column(Name)
    object_kind: Mapped[str] = mapped_column(State)
    object_id: Mapped[str] = mapped_column(Id)
    # What acted when it was an agent: its frozen revision, in this run. The actor is then the run, never only a person.
    run_id: Mapped[str | None] = mapped_column(Id)
    revision_id: Mapped[str | None] = mapped_column(Id)
    detail: Mapped[dict[str, Any]] = mapped_column(Json)
    previous_hash: Mapped[str] = mapped_column(Hash)
    hash: Mapped[str] = mapped_column(Hash)


class AuditCheckpoint(Base):
    """Where a chain begins after rows past their retention were let go: the last of them, by number and hash.

    The database lets an audit row go only below a checkpoint; a checkpoint itself never changes.
    """

    __tablename__ = "audit_checkpoints"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    hash: Mapped[str] = mapped_column(Hash)
    last_at: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class SigningKey(Base):
    """The key with which this installation signs what leaves it. The private half is sealed with the master key."""

    __tablename__ = "signing_keys"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    public_key: Mapped[str] = mapped_column(Name)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(Hash)
    created_at: Mapped[datetime] = mapped_column(Moment)


class AuditHead(Base):
    """The newest link of a workspace's chain; updating it serialises writers."""

    __tablename__ = "audit_heads"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigId)
    hash: Mapped[str] = mapped_column(Hash)


class OutboxMessage(Base):
    """Something that must happen above in consequence; written with the change it follows from."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "done_at", "claimed_by", "due_at", "id"),
        Index("ix_outbox_turns", "done_at", "claimed_by", "kind", "workspace_id", "due_at", "id"),
        Index(None, "claimed_by"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    kind: Mapped[str] = mapped_column(State)
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    claimed_by: Mapped[str | None] = mapped_column(Id)
    claimed_at: Mapped[datetime | None] = mapped_column(Moment)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Long)


class Blob(Base):
    """A large body, stored once by content. `data` is empty when the body lies in a folder."""

    __tablename__ = "blobs"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    sha256: Mapped[str] = mapped_column(Hash)
    media_type: Mapped[str] = mapped_column(Name)
    size_bytes: Mapped[int] = mapped_column(BigId)
    place: Mapped[str] = mapped_column(State)
    data: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (UniqueConstraint("workspace_id", "sha256"),)


class AnsweredRequest(Base):
    """What a request with an `Idempotency-Key` was answered, so that a second one gets the same."""

    __tablename__ = "answered_requests"
    __table_args__ = (Index(None, "created_at"),)

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    key: Mapped[str] = mapped_column(Name, primary_key=True)
    route: Mapped[str] = mapped_column(Name, primary_key=True)
    request_hash: Mapped[str] = mapped_column(Hash)
    status: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
