"""What went wrong, and what was done about it: incidents, their timeline, their tasks, the runs that show it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name, State


class Incident(Base):
    """Something went wrong: how bad it is, who saw to it and when, what served at that time, what was learnt."""

    __tablename__ = "incidents"
    __table_args__ = (
        # One alert opens one incident, and of one matter one is under way, whatever happens twice.
        UniqueConstraint("alert_id"),
        UniqueConstraint("workspace_id", "open_key"),
        Index(None, "workspace_id", "id"),
        Index(None, "workspace_id", "state", "id"),
        Index(None, "workspace_id", "severity", "id"),
        Index(None, "agent_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # The agent it is about; null when it is about no single one.
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str | None] = mapped_column(ForeignKey("environments.id"))
    title: Mapped[str] = mapped_column(Name)
    # unavailable | errors | other: what the rule for its severity went by.
    symptom: Mapped[str] = mapped_column(State)
    severity: Mapped[str] = mapped_column(State)
    # The rule's words, or who set it and why.
    why_severity: Mapped[str] = mapped_column(Long)
    # open → acknowledged → mitigated → resolved → reviewed
    state: Mapped[str] = mapped_column(State)
    # The alert it was opened by, or the last one of the same key; null: somebody declared it without one.
    alert_id: Mapped[str | None] = mapped_column(Id)
    # The key of that alert while the incident is under way, null once it is resolved.
    open_key: Mapped[str | None] = mapped_column(Name)

    # What served when it began; null where nothing did, or where it is about no agent.
    revision_id: Mapped[str | None] = mapped_column(Id)
    release_id: Mapped[str | None] = mapped_column(Id)
    # The release that had a share of what was started then.
    candidate_release_id: Mapped[str | None] = mapped_column(Id)
    # The last evaluation of that revision which was over by then.
    evaluation_id: Mapped[str | None] = mapped_column(Id)

    began_at: Mapped[datetime] = mapped_column(Moment)
    opened_at: Mapped[datetime] = mapped_column(Moment)
    opened_by: Mapped[str] = mapped_column(Id)
    opened_by_name: Mapped[str] = mapped_column(Name)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Moment)
    acknowledged_by: Mapped[str | None] = mapped_column(Id)
    acknowledged_by_name: Mapped[str | None] = mapped_column(Name)
    mitigated_at: Mapped[datetime | None] = mapped_column(Moment)
    mitigated_by: Mapped[str | None] = mapped_column(Id)
    mitigated_by_name: Mapped[str | None] = mapped_column(Name)
    resolved_at: Mapped[datetime | None] = mapped_column(Moment)
    resolved_by: Mapped[str | None] = mapped_column(Id)
    resolved_by_name: Mapped[str | None] = mapped_column(Name)
    reviewed_at: Mapped[datetime | None] = mapped_column(Moment)
    reviewed_by: Mapped[str | None] = mapped_column(Id)
    reviewed_by_name: Mapped[str | None] = mapped_column(Name)

    # The postmortem. Its version counts every change, so that two who write at once do not lose each other's words.
    impact: Mapped[str] = mapped_column(Long, default="")
    cause: Mapped[str] = mapped_column(Long, default="")
    lessons: Mapped[str] = mapped_column(Long, default="")
    # yes | no | unknown: whether a case would have caught it before it served.
    caught: Mapped[str] = mapped_column(State, default="unknown")
    caught_by: Mapped[str] = mapped_column(Long, default="")
    version: Mapped[int] = mapped_column(default=1)


class IncidentEntry(Base):
    """One line of an incident's timeline. Never changed."""

    __tablename__ = "incident_entries"
    __table_args__ = (Index(None, "incident_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    actor_id: Mapped[str] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(State)
    text: Mapped[str] = mapped_column(Long)
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class IncidentTask(Base):
    """Something to be done: of the checklist its severity brings, or what somebody says follows from it."""

    __tablename__ = "incident_tasks"
    __table_args__ = (
        # The same line of a checklist stands there once; what people add has no key.
        UniqueConstraint("incident_id", "key"),
        Index(None, "incident_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"))
    # checklist | follow_up
    kind: Mapped[str] = mapped_column(State)
    key: Mapped[str | None] = mapped_column(Name)
    title: Mapped[str] = mapped_column(Long)
    owner_id: Mapped[str | None] = mapped_column(Id)
    owner_name: Mapped[str | None] = mapped_column(Name)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    made_by_name: Mapped[str] = mapped_column(Name)
    made_at: Mapped[datetime] = mapped_column(Moment)
    done_by: Mapped[str | None] = mapped_column(Id)
    done_by_name: Mapped[str | None] = mapped_column(Name)
    done_at: Mapped[datetime | None] = mapped_column(Moment)


class IncidentRun(Base):
    """A run that shows what went wrong."""

    __tablename__ = "incident_runs"
    __table_args__ = (Index(None, "run_id"),)

    incident_id: Mapped[str] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    added_by_name: Mapped[str] = mapped_column(Name)
    added_at: Mapped[datetime] = mapped_column(Moment)
