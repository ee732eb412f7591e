"""What needs someone's eyes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name, State


class Streak(Base):
    """How often in a row something failed; a success sets it back to nothing."""

    __tablename__ = "streaks"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    key: Mapped[str] = mapped_column(Name, primary_key=True)
    failures: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(Moment)


class Alert(Base):
    """A fact that asks for attention. One open alert per key: repetition counts, it does not multiply."""

    __tablename__ = "alerts"
    __table_args__ = (
        UniqueConstraint("workspace_id", "open_key"),
        Index(None, "workspace_id", "id"),
        Index(None, "workspace_id", "agent_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # The agent it is about; null when it is about no single one.
    agent_id: Mapped[str | None] = mapped_column(Id)
    # The key while open, null once resolved: the unique constraint then lets a new one open.
    open_key: Mapped[str | None] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(State)
    text: Mapped[str] = mapped_column(Long)
    detail: Mapped[dict[str, Any]] = mapped_column(Json)
    occurrences: Mapped[int] = mapped_column(default=1)
    opened_at: Mapped[datetime] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)
    resolved_at: Mapped[datetime | None] = mapped_column(Moment)
    resolved_by_name: Mapped[str | None] = mapped_column(Name)


class Notice(Base):
    """Something people are told of by itself: one row for each matter, however often it happens."""

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("workspace_id", "key"), Index(None, "last_at"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # `run_failed:agt_…:env_…`, `alert:alr_…`.
    key: Mapped[str] = mapped_column(Name)
    # `run_failed`, or the kind of the alert.
    kind: Mapped[str] = mapped_column(State)
    agent_id: Mapped[str | None] = mapped_column(Id)
    # The alert, or the run that failed last.
    about: Mapped[str] = mapped_column(Id)
    # How often it happened since it was last told, and how often it was told in a row.
    untold: Mapped[int] = mapped_column(default=0)
    told: Mapped[int] = mapped_column(default=0)
    told_at: Mapped[datetime | None] = mapped_column(Moment)
    last_at: Mapped[datetime] = mapped_column(Moment)


class NoticeDelivery(Base):
    """One message of a notice through one channel: what became of it."""

    __tablename__ = "notice_deliveries"
    __table_args__ = (
        # The same telling handled twice tells nobody twice.
        UniqueConstraint("notice_id", "telling", "target"),
        Index(None, "workspace_id", "id"),
        Index(None, "made_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    notice_id: Mapped[str] = mapped_column(ForeignKey("notices.id"))
    # `told:3` the third time, `over` that nobody is needed any more.
    telling: Mapped[str] = mapped_column(Name)
    # The channel's id, or `mail:` and the member where they have none.
    target: Mapped[str] = mapped_column(Name)
    channel_id: Mapped[str | None] = mapped_column(Id)
    member_id: Mapped[str | None] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(State)
    title: Mapped[str] = mapped_column(Name)
    text: Mapped[str] = mapped_column(Long)
    # Below the installation's address.
    path: Mapped[str] = mapped_column(Long)
    # pending, sending, sent, failed, dropped
    state: Mapped[str] = mapped_column(State)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Long)
    due_at: Mapped[datetime] = mapped_column(Moment)
    made_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
