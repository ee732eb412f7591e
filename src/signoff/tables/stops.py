"""Pauses of agents, orders to call many runs off, and when each worker knew of an order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name, State


class AgentPause(Base):
    """The order that an agent starts nothing new, until somebody resumes it or `until` has come."""

    __tablename__ = "agent_pauses"
    __table_args__ = (Index(None, "agent_id", "resumed_at"), Index(None, "workspace_id", "resumed_at"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    reason: Mapped[str] = mapped_column(Long)
    paused_by: Mapped[str] = mapped_column(Id)
    paused_by_name: Mapped[str] = mapped_column(Name)
    paused_at: Mapped[datetime] = mapped_column(Moment)
    # Compared with the moment wherever it matters: no process has to be there when it comes.
    until: Mapped[datetime | None] = mapped_column(Moment)
    resumed_at: Mapped[datetime | None] = mapped_column(Moment)
    resumed_by_name: Mapped[str | None] = mapped_column(Name)


class StopOrder(Base):
    """The order to call off every run that fits a filter; carried out in batches, and how far it is."""

    __tablename__ = "stop_orders"
    __table_args__ = (Index(None, "workspace_id", "id"), Index(None, "agent_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # None: not the runs of one agent.
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agents.id"))
    wanted: Mapped[dict[str, Any]] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(Long)
    ordered_by: Mapped[str] = mapped_column(Id)
    ordered_by_name: Mapped[str] = mapped_column(Name)
    ordered_at: Mapped[datetime] = mapped_column(Moment)
    # How many there were at the click, by state.
    found: Mapped[dict[str, Any]] = mapped_column(Json)
    # Runs that were running and were asked to end: at most so many are named as can run.
    asked: Mapped[list[Any]] = mapped_column(Json)
    # Of those called off, the ones that had asked for other agents: what came of them ends, too. Null: from before.
    families: Mapped[list[Any] | None] = mapped_column(Json)
    cancelled: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(State)
    # When the last of them had ended.
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class StopMark(Base):
    """A pause, a freeze or a stop as every worker looks for it, to measure when it was known everywhere."""

    __tablename__ = "stop_marks"
    __table_args__ = (Index(None, "ordered_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    ordered_at: Mapped[datetime] = mapped_column(Moment)


class StopSighting(Base):
    """When one worker knew of one order."""

    __tablename__ = "stop_sightings"

    mark_id: Mapped[str] = mapped_column(ForeignKey("stop_marks.id"), primary_key=True)
    worker: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    seen_at: Mapped[datetime] = mapped_column(Moment)
