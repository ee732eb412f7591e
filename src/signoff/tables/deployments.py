"""Which revision serves where, and how it came to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Long, Moment, Name


class LiveRevision(Base):
    """Exactly one revision serves an agent in an environment."""

    __tablename__ = "live_revisions"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    changed_at: Mapped[datetime] = mapped_column(Moment)


class Deployment(Base):
    """One switch of the live revision. The first revision goes live without one."""

    __tablename__ = "deployments"
    __table_args__ = (Index(None, "agent_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    previous_revision_id: Mapped[str | None] = mapped_column(ForeignKey("revisions.id"))
    actor_id: Mapped[str] = mapped_column(Id)
    actor_name: Mapped[str] = mapped_column(Name)
    reason: Mapped[str] = mapped_column(Long)
    created_at: Mapped[datetime] = mapped_column(Moment)
