"""Which revision serves where, and how it came to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name


class LiveRevision(Base):
    """Exactly one revision serves an agent in an environment."""

    __tablename__ = "live_revisions"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    changed_at: Mapped[datetime] = mapped_column(Moment)
    # The release that made it live; null: it serves as the first.
    release_id: Mapped[str | None] = mapped_column(Id)
    # A canary: this revision takes the share (of 10,000) of what is started, by `sha256(salt:key)`, or a cohort.
    candidate_revision_id: Mapped[str | None] = mapped_column(Id)
    candidate_release_id: Mapped[str | None] = mapped_column(Id)
    share: Mapped[int] = mapped_column(default=0, server_default="0")
    salt: Mapped[str | None] = mapped_column(Name)
    # Keys that always get the candidate; null: by share alone.
    cohort: Mapped[list[str] | None] = mapped_column(Json)
    # A shadow: this share (of 10,000) of what completes is tried again by this release's revision, acting on nothing.
    shadow_release_id: Mapped[str | None] = mapped_column(Id)
    shadow_share: Mapped[int] = mapped_column(default=0, server_default="0")


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
    release_id: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(Moment)
