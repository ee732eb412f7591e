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
