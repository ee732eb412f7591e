"""Where a workspace has events told of, each message signed; and what became of every message."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name, State


class Webhook(Base):
    """An address that is told of events of a workspace. Its signing secret is sealed."""

    __tablename__ = "webhooks"
    __table_args__ = (Index(None, "workspace_id", "state", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    name: Mapped[str] = mapped_column(Name)
    url: Mapped[str] = mapped_column(Long)
    # Of the closed list of events; and of these agents only; empty: of all.
    events: Mapped[list[str]] = mapped_column(Json)
    agents: Mapped[list[str]] = mapped_column(Json)
    # on, off
    state: Mapped[str] = mapped_column(State)
    # Why it is off, when it was not a person who switched it off.
    off_reason: Mapped[str | None] = mapped_column(Long)
    # The number of the secret; the one before still signs as well until its time is over.
    version: Mapped[int]
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    key_id: Mapped[str] = mapped_column(State)
    old_ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_nonce: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_key_id: Mapped[str | None] = mapped_column(State)
    old_until: Mapped[datetime | None] = mapped_column(Moment)
    # Since when, and how often in a row, nothing was taken.
    failing_since: Mapped[datetime | None] = mapped_column(Moment)
    failures: Mapped[int] = mapped_column(default=0)
    made_by: Mapped[str] = mapped_column(Id)
    made_by_name: Mapped[str] = mapped_column(Name)
    made_at: Mapped[datetime] = mapped_column(Moment)


class WebhookDelivery(Base):
    """One event for one webhook: the same id and the same bytes however often it is sent."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        # The same event handled twice is told once.
        UniqueConstraint("webhook_id", "event_id"),
        Index(None, "webhook_id", "id"),
        Index(None, "webhook_id", "state"),
        Index(None, "ended_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id"))
    event_id: Mapped[str] = mapped_column(Id)
    event: Mapped[str] = mapped_column(State)
    body: Mapped[str] = mapped_column(Long)
    # pending, sending, delivered, failed, dropped
    state: Mapped[str] = mapped_column(State)
    attempts: Mapped[int] = mapped_column(default=0)
    # What the last attempt was answered: the status, and how the answer begins.
    status: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(Long)
    last_error: Mapped[str | None] = mapped_column(Long)
    due_at: Mapped[datetime] = mapped_column(Moment)
    made_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
