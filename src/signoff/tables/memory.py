"""What agents keep between runs: entries, the texts they had, and whose memory it is once that is fixed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Long, Moment, Name, State


class AgentMemory(Base):
    """The memory of one agent. Its scope is fixed from the first production run that had memory."""

    __tablename__ = "agent_memories"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    # Null until it is fixed.
    scope: Mapped[str | None] = mapped_column(State)
    fixed_at: Mapped[datetime | None] = mapped_column(Moment)
    # The run that fixed it; after a migration, who moved it.
    fixed_by: Mapped[str | None] = mapped_column(Id)
    fixed_by_name: Mapped[str | None] = mapped_column(Name)


class MemoryEntry(Base):
    """One entry, as it reads now. Erased, it keeps who wrote and erased it, and no text."""

    __tablename__ = "memory_entries"
    __table_args__ = (
        # What was erased stays as a row without a text, and is not walked through to find what is there.
        Index("ix_memory_entries_place", "agent_id", "environment_id", "member_id", "erased_at", "id"),
        Index("ix_memory_entries_agent", "agent_id", "erased_at", "id"),
        Index("ix_memory_entries_member", "workspace_id", "member_id", "erased_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    # Whose it is; empty for what everybody shares.
    member_id: Mapped[str] = mapped_column(Id, default="")
    text: Mapped[str] = mapped_column(Long)
    # The text in one case, which is what a search looks into.
    search_text: Mapped[str] = mapped_column(Long)
    label: Mapped[str] = mapped_column(State)
    source: Mapped[str] = mapped_column(State)
    # Why it reads like a rule; empty when it does not. Somebody looks at it, and says so.
    flag: Mapped[str] = mapped_column(Name, default="")
    reviewed_at: Mapped[datetime | None] = mapped_column(Moment)
    reviewed_by_name: Mapped[str | None] = mapped_column(Name)
    version: Mapped[int] = mapped_column(default=1)

    # The first text: which run, step and revision wrote it; none of them for a person's.
    run_id: Mapped[str | None] = mapped_column(Id)
    step_key: Mapped[str | None] = mapped_column(Name)
    revision_id: Mapped[str | None] = mapped_column(Id)
    revision_number: Mapped[int | None]
    written_by: Mapped[str] = mapped_column(Id)
    written_by_name: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Moment)
    changed_at: Mapped[datetime] = mapped_column(Moment)
    erased_at: Mapped[datetime | None] = mapped_column(Moment)
    erased_by: Mapped[str | None] = mapped_column(Id)
    erased_by_name: Mapped[str | None] = mapped_column(Name)


class MemoryVersion(Base):
    """One text an entry had: who wrote it, and in which run. All of them go when the entry is erased."""

    __tablename__ = "memory_versions"

    entry_id: Mapped[str] = mapped_column(ForeignKey("memory_entries.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    text: Mapped[str] = mapped_column(Long)
    label: Mapped[str] = mapped_column(State)
    source: Mapped[str] = mapped_column(State)
    by: Mapped[str] = mapped_column(Id)
    by_name: Mapped[str] = mapped_column(Name)
    run_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Moment)
