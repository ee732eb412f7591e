"""What a workspace asks before something ships, and what people vouched for or let pass."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Long, Moment, Name, State


class ProbePolicy(Base):
    """One version of a workspace's policy file. Never changed; the highest version holds."""

    __tablename__ = "probe_policies"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Long)
    digest: Mapped[str] = mapped_column(Hash)
    reason: Mapped[str] = mapped_column(Long)
    author_id: Mapped[str] = mapped_column(Id)
    author_name: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime] = mapped_column(Moment)


class Vouching(Base):
    """A person's word in the place of a measurement: an attestation, or a waiver. It lapses."""

    __tablename__ = "vouchings"
    __table_args__ = (
        # Set while it stands, null once it was taken back: one word a probe, agent and environment at a time.
        UniqueConstraint("open_key"),
        Index(None, "workspace_id", "id"),
        Index(None, "agent_id", "environment_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    open_key: Mapped[str | None] = mapped_column(Name)
    probe: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(State)
    # The revision it speaks of; null: whichever is shipped while it stands.
    revision_id: Mapped[str | None] = mapped_column(ForeignKey("revisions.id"))
    reason: Mapped[str] = mapped_column(Long)
    link: Mapped[str] = mapped_column(Long)
    by: Mapped[str] = mapped_column(Id)
    by_name: Mapped[str] = mapped_column(Name)
    by_role: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_by_name: Mapped[str | None] = mapped_column(Name)
