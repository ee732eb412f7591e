"""What follows the first release of an agent into production: its first week day by day, and its reviews."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name, State


class FollowUp(Base):
    """An agent in one production environment: in its first week, or in routine; and when it is reviewed next."""

    __tablename__ = "follow_ups"
    __table_args__ = (
        UniqueConstraint("agent_id", "environment_id"),
        Index(None, "workspace_id", "id"),
        Index(None, "due_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    # first_week → routine
    state: Mapped[str] = mapped_column(State)
    state_since: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)
    tier: Mapped[str] = mapped_column(State)
    live_at: Mapped[datetime] = mapped_column(Moment)
    # What serves while days are counted, and from which day of the workspace's calendar on: another revision begins
    # the count anew.
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    counted_from: Mapped[str] = mapped_column(State)
    # The last day that was judged; null: none yet.
    judged_until: Mapped[str | None] = mapped_column(State)
    good_days: Mapped[int] = mapped_column(default=0)
    # graduated | ended by a person | skipped; null while the first week goes on.
    ended_how: Mapped[str | None] = mapped_column(State)
    ended_reason: Mapped[str | None] = mapped_column(Long)
    ended_by: Mapped[str | None] = mapped_column(Id)
    ended_by_name: Mapped[str | None] = mapped_column(Name)
    # Null once it was made.
    first_review_at: Mapped[datetime | None] = mapped_column(Moment)
    # Null during the first week: days are looked at then.
    next_review_at: Mapped[datetime | None] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)


class FollowUpDay(Base):
    """One day of a first week: what was measured of it, what a person said of its outputs, how it was judged."""

    __tablename__ = "follow_up_days"

    follow_up_id: Mapped[str] = mapped_column(ForeignKey("follow_ups.id"), primary_key=True)
    # `2026-11-28`, in the workspace's time zone.
    day: Mapped[str] = mapped_column(State, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # good | bad | quiet | unread; null while it goes on, or may still be read.
    verdict: Mapped[str | None] = mapped_column(State)
    items: Mapped[list[Any]] = mapped_column(Json, default=list)
    runs: Mapped[int] = mapped_column(default=0)
    needed_input_percent: Mapped[float | None] = mapped_column(Float)
    cost_usd: Mapped[float | None] = mapped_column(Float)
    seconds: Mapped[float | None] = mapped_column(Float)
    # How many good days in a row there were with it.
    good_days: Mapped[int] = mapped_column(default=0)
    judged_at: Mapped[datetime | None] = mapped_column(Moment)
    # right | wrong
    reading: Mapped[str | None] = mapped_column(State)
    read_runs: Mapped[list[Any]] = mapped_column(Json, default=list)
    read_note: Mapped[str | None] = mapped_column(Long)
    read_by: Mapped[str | None] = mapped_column(Id)
    read_by_name: Mapped[str | None] = mapped_column(Name)
    read_at: Mapped[datetime | None] = mapped_column(Moment)


class Review(Base):
    """A task for whoever answers for an agent: look back, with the figures as they were when it was made."""

    __tablename__ = "reviews"
    __table_args__ = (
        # Set while it is to be done, null once it is: one of a kind at a time.
        UniqueConstraint("open_key"),
        Index(None, "workspace_id", "id"),
        Index(None, "agent_id", "id"),
        Index(None, "due_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    # first | weekly
    kind: Mapped[str] = mapped_column(State)
    open_key: Mapped[str | None] = mapped_column(Name)
    period_from: Mapped[datetime] = mapped_column(Moment)
    period_until: Mapped[datetime] = mapped_column(Moment)
    # Fixed when it is made.
    metrics: Mapped[dict[str, Any]] = mapped_column(Json)
    assigned_to: Mapped[str | None] = mapped_column(Id)
    assigned_to_name: Mapped[str | None] = mapped_column(Name)
    made_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    overdue_told_at: Mapped[datetime | None] = mapped_column(Moment)
    note: Mapped[str | None] = mapped_column(Long)
    done_by: Mapped[str | None] = mapped_column(Id)
    done_by_name: Mapped[str | None] = mapped_column(Name)
    done_at: Mapped[datetime | None] = mapped_column(Moment)
