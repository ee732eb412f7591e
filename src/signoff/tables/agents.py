"""Agents, who was given rights on one, their drafts, and their revisions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, Slug, State


class Agent(Base):
    """What does the work. Its content lives in the draft and the revisions."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("workspace_id", "slug"), Index(None, "workspace_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    slug: Mapped[str] = mapped_column(Slug)
    name: Mapped[str] = mapped_column(Name)
    description: Mapped[str] = mapped_column(Long, default="")
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    backup_id: Mapped[str | None] = mapped_column(ForeignKey("members.id"))
    tags: Mapped[list[Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(State, default="active")
    last_revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)


class AgentGrant(Base):
    """One level that somebody holds on one agent, beyond their role. `holder_kind`: `member` or `service_account`."""

    __tablename__ = "agent_grants"
    __table_args__ = (
        UniqueConstraint("agent_id", "holder_id", "level"),
        Index(None, "workspace_id", "holder_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    holder_kind: Mapped[str] = mapped_column(State)
    holder_id: Mapped[str] = mapped_column(Id)
    level: Mapped[str] = mapped_column(State)
    granted_by: Mapped[str] = mapped_column(Id)
    granted_by_name: Mapped[str] = mapped_column(Name)
    granted_at: Mapped[datetime] = mapped_column(Moment)


class Draft(Base):
    """The one text of an agent that can change. `version` goes up by one with each save."""

    __tablename__ = "drafts"

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    version: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    updated_by: Mapped[str] = mapped_column(Id)
    updated_by_name: Mapped[str] = mapped_column(Name)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    # Everybody who saved it since it was frozen last; None until somebody does.
    writers: Mapped[list[str] | None] = mapped_column(Json)


class DraftSave(Base):
    """What one version of a draft was, and how it came to be. The oldest of an agent are dropped.

    `kind`: `created`, `saved`, `undone`, `redone`, `reset`. `undo_to` and `redo_to` are the versions whose texts come
    back by undoing and by redoing; None where there is nothing to.
    """

    __tablename__ = "draft_saves"

    # Of the draft, not of the agent: who saves holds the lock of the one, and need not wait for that of the other.
    agent_id: Mapped[str] = mapped_column(ForeignKey("drafts.agent_id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    kind: Mapped[str] = mapped_column(State)
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    # The length of its JSON, so that what is kept can be bounded without reading it.
    chars: Mapped[int]
    undo_to: Mapped[int | None]
    redo_to: Mapped[int | None]
    # The revision it was reset to.
    revision: Mapped[int | None]
    author_id: Mapped[str] = mapped_column(Id)
    author_name: Mapped[str] = mapped_column(Name)
    saved_at: Mapped[datetime] = mapped_column(Moment)


class RefusedSave(Base):
    """The text of a save that came too late, kept so that nobody's work is lost."""

    __tablename__ = "refused_saves"
    __table_args__ = (Index(None, "agent_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    base_version: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    author_id: Mapped[str] = mapped_column(Id)
    author_name: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Revision(Base):
    """One frozen version of everything an agent is. Never changes; named by the hash of its content."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("agent_id", "number"), Index(None, "workspace_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(Hash)
    name: Mapped[str] = mapped_column(Name, default="")
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    author_id: Mapped[str] = mapped_column(Id)
    author_name: Mapped[str] = mapped_column(Name)
    # Who saved the draft last before it was frozen; None in revisions frozen before this was kept.
    drafted_by: Mapped[str | None] = mapped_column(Id)
    # Everybody who saved it since the revision before; None in revisions frozen before this was kept.
    writers: Mapped[list[str] | None] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(Long)
    created_at: Mapped[datetime] = mapped_column(Moment)


class RetiredRevision(Base):
    """A revision that must not begin to serve any more, nor be named by a new run. Taken back, its row goes."""

    __tablename__ = "retired_revisions"
    __table_args__ = (Index(None, "agent_id"),)

    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    reason: Mapped[str] = mapped_column(Long)
    by: Mapped[str] = mapped_column(Id)
    by_name: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime] = mapped_column(Moment)
