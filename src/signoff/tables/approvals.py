"""Requests to people, whom they were put to, what each said, and values accepted for a run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, State


class Approval(Base):
    """One request to people: may this call be made, a question, a login, more money. A run waits for it.

    It is bound to the tool, its resolved arguments, the revision and the run (`binding`), and is used once.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        # A leg that begins again after a crash asks again for the same, and finds what it asked.
        UniqueConstraint("run_id", "leg", "call_id"),
        Index(None, "workspace_id", "state", "id"),
        Index(None, "workspace_id", "agent_id", "id"),
        Index(None, "agent_id", "tool", "state", "id"),
        Index(None, "state", "next_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    leg: Mapped[int]
    call_id: Mapped[str] = mapped_column(Name)
    # Copied so that the inbox reads one table.
    agent_name: Mapped[str] = mapped_column(Name)
    revision_number: Mapped[int]
    run_requested_by: Mapped[str] = mapped_column(Id)

    kind: Mapped[str] = mapped_column(State)
    state: Mapped[str] = mapped_column(State)
    gate: Mapped[str] = mapped_column(Name)
    # Which policy asked: `gate`, `flow`, `loop`, `budget`; `agent` when the agent itself did.
    asked_by_policy: Mapped[str] = mapped_column(State)
    why: Mapped[str] = mapped_column(Long)
    tool: Mapped[str | None] = mapped_column(Name)
    effect: Mapped[str | None] = mapped_column(State)
    # As the model gave them: with the names of secrets, never their values.
    args: Mapped[Any] = mapped_column(Json)
    binding: Mapped[str] = mapped_column(Hash)
    title: Mapped[str] = mapped_column(Name)
    summary: Mapped[str] = mapped_column(Long)
    # What the reader decides by: badges, where each argument came from, what was read before.
    card: Mapped[dict[str, Any]] = mapped_column(Json)
    # The rule as it was when the request was made: quorum, deadline, chain, reasons; `agents/gates.py`.
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    quorum: Mapped[int]

    level: Mapped[int] = mapped_column(default=0)
    reminded: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    deadline_at: Mapped[datetime | None] = mapped_column(Moment)
    # When it has to be looked at again: a reminder, the next rung, the deadline.
    next_at: Mapped[datetime | None] = mapped_column(Moment)
    # Nobody could be asked, or nobody answered in time and it goes on waiting.
    is_degraded: Mapped[bool] = mapped_column(default=False)

    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[str | None] = mapped_column(Id)
    decided_by_name: Mapped[str | None] = mapped_column(Name)
    # How it was answered: edited arguments and their difference, the answers to questions, dollars, values endorsed.
    decision: Mapped[Any] = mapped_column(Json)
    reason: Mapped[str | None] = mapped_column(Long)
    reason_code: Mapped[str | None] = mapped_column(Name)
    # The way the answer came in: page, api, mail, slack, teams, deadline.
    via: Mapped[str | None] = mapped_column(State)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class ApprovalRecipient(Base):
    """A member who was asked, by which rung and why. `is_open` while their answer would count."""

    __tablename__ = "approval_recipients"
    __table_args__ = (Index("ix_approval_recipients_inbox", "workspace_id", "member_id", "is_open", "approval_id"),)

    approval_id: Mapped[str] = mapped_column(ForeignKey("approvals.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(ForeignKey("members.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    level: Mapped[int]
    # A seat, a role, an address; `delegated`, `absence`, `fallback` when nobody the rule names could be asked.
    via: Mapped[str] = mapped_column(State)
    asked_for: Mapped[str | None] = mapped_column(Id)
    is_open: Mapped[bool]
    asked_at: Mapped[datetime] = mapped_column(Moment)


class ApprovalVote(Base):
    """What one member said to one request; with a quorum of one the only one."""

    __tablename__ = "approval_votes"

    approval_id: Mapped[str] = mapped_column(ForeignKey("approvals.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    member_name: Mapped[str] = mapped_column(Name)
    verdict: Mapped[str] = mapped_column(State)
    decision: Mapped[Any] = mapped_column(Json)
    reason: Mapped[str | None] = mapped_column(Long)
    reason_code: Mapped[str | None] = mapped_column(Name)
    via: Mapped[str] = mapped_column(State)
    at: Mapped[datetime] = mapped_column(Moment)


class Endorsement(Base):
    """A value that an approver accepted for the rest of one run: a recipient, an account, an address."""

    __tablename__ = "endorsements"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    # sha-256 of the normalised value, which may be longer than an index takes.
    value_hash: Mapped[str] = mapped_column(Hash, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    value: Mapped[str] = mapped_column(Long)
    approval_id: Mapped[str] = mapped_column(ForeignKey("approvals.id"))
    by: Mapped[str] = mapped_column(Id)
    by_name: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime] = mapped_column(Moment)
