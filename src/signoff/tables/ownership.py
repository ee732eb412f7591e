"""Who answers for an agent, hand-overs from one member to another, and requests for access."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name, State


class AgentOwner(Base):
    """One seat: a member who was asked to answer for an agent in one way, and what they said.

    `agents.owner_id` and `agents.backup_id` repeat the seats `build` and `backup`, for queries about what is one's own.
    """

    __tablename__ = "agent_owners"
    __table_args__ = (Index(None, "workspace_id", "member_id", "state"),)

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(State, primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    state: Mapped[str] = mapped_column(State)
    asked_by: Mapped[str] = mapped_column(Id)
    asked_by_name: Mapped[str] = mapped_column(Name)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    answered_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[str] = mapped_column(Long, default="")
    # Day → list of [from, to] as HH:MM in `time_zone`; empty says nothing about when they work.
    hours: Mapped[dict[str, Any]] = mapped_column(Json)
    time_zone: Mapped[str | None] = mapped_column(Name)


class Handover(Base):
    """An agent on its way from one member to another. While one is open, nothing starts the agent by itself."""

    __tablename__ = "handovers"
    __table_args__ = (
        UniqueConstraint("open_key"),
        Index(None, "workspace_id", "id"),
        Index(None, "agent_id", "id"),
        Index(None, "to_member_id", "state"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    # The agent's id while open, null afterwards: an agent has one open hand-over at most.
    open_key: Mapped[str | None] = mapped_column(Id)
    from_member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    to_member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    # Which seats moved, each with what it was before.
    seats: Mapped[list[Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(State)
    reason: Mapped[str] = mapped_column(Long)
    session_at: Mapped[datetime | None] = mapped_column(Moment)
    notes: Mapped[str] = mapped_column(Long, default="")
    started_by: Mapped[str] = mapped_column(Id)
    started_by_name: Mapped[str] = mapped_column(Name)
    started_at: Mapped[datetime] = mapped_column(Moment)
    # The run of the new owner that completed.
    run_id: Mapped[str | None] = mapped_column(Id)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class AccessRequest(Base):
    """A member's wish for a role, or for a level on one agent, and what became of it."""

    __tablename__ = "access_requests"
    __table_args__ = (UniqueConstraint("open_key"), Index(None, "workspace_id", "state", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"))
    # One open request of a member for the same thing.
    open_key: Mapped[str | None] = mapped_column(Name)
    role: Mapped[str | None] = mapped_column(State)
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agents.id"))
    level: Mapped[str | None] = mapped_column(State)
    reason: Mapped[str] = mapped_column(Long)
    state: Mapped[str] = mapped_column(State)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    decided_by: Mapped[str | None] = mapped_column(Id)
    decided_by_name: Mapped[str | None] = mapped_column(Name)
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[str] = mapped_column(Long, default="")
