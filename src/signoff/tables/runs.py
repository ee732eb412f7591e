"""Runs, their legs, messages, steps and events."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Json, Long, Moment, Name, Slug, State, Usd

_IS_CALLED = text("parent_run_id IS NOT NULL")


class Run(Base):
    """One durable execution of one revision on one input."""

    __tablename__ = "runs"
    __table_args__ = (
        # Run ids sort by time, so every list is (filter, id) read backwards. These two hold all that a list filters by,
        # so that a filter which matches nothing among 100,000 runs reads the index and not the rows.
        Index(
            "ix_runs_filter",
            "workspace_id",
            "id",
            "state",
            "agent_id",
            "environment_id",
            "revision_number",
            "source",
            "origin",
            "needs_attention",
            "requested_by",
        ),
        Index("ix_runs_search", "workspace_id", "id", "search_text"),
        Index("ix_runs_state", "workspace_id", "state", "id"),
        Index("ix_runs_agent", "agent_id", "id"),
        Index("ix_runs_agent_state", "agent_id", "state", "id"),
        Index("ix_runs_revision", "revision_id", "id"),
        # What a revision was tried with, by where and how: a hundred thousand shadows hide no run in staging.
        Index("ix_runs_tried", "revision_id", "environment_id", "mode", "id"),
        Index("ix_runs_attention", "workspace_id", "needs_attention", "id"),
        Index("ix_runs_resume", "state", "resume_at"),
        Index("ix_runs_parent", "parent_run_id", "id"),
        Index("ix_runs_root", "root_run_id", "id"),
        # The list of called runs alone: few among many.
        Index("ix_runs_called", "workspace_id", "id", sqlite_where=_IS_CALLED, postgresql_where=_IS_CALLED),
        # One call of a run to another agent is one run of that agent, however often it is made again.
        Index("ix_runs_parent_call", "parent_call", unique=True),
        UniqueConstraint("workspace_id", "external_id"),
        # The same input is the same run of one agent in one environment, not of every agent.
        UniqueConstraint("agent_id", "environment_id", "input_key"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    # Copied so that a list of runs reads one table.
    agent_slug: Mapped[str] = mapped_column(Slug)
    agent_name: Mapped[str] = mapped_column(Name)
    revision_number: Mapped[int]

    state: Mapped[str] = mapped_column(State)
    waiting_for: Mapped[str | None] = mapped_column(State)
    resume_at: Mapped[datetime | None] = mapped_column(Moment)
    code: Mapped[str | None] = mapped_column(Name)
    reason: Mapped[str | None] = mapped_column(Long)
    failed_step: Mapped[str | None] = mapped_column(Name)
    needs_attention: Mapped[bool] = mapped_column(default=False)
    is_cancel_requested: Mapped[bool] = mapped_column(default=False)
    leg: Mapped[int] = mapped_column(default=1)

    origin: Mapped[str] = mapped_column(State)
    source: Mapped[str] = mapped_column(State)
    mode: Mapped[str] = mapped_column(State)
    replay_of: Mapped[str | None] = mapped_column(Id)
    # The release under which it was started, and as which variant; null before there were releases.
    release_id: Mapped[str | None] = mapped_column(Id)
    variant: Mapped[str | None] = mapped_column(State)
    # The evaluation that asked for it, itself or through a run that works for it.
    evaluation_id: Mapped[str | None] = mapped_column(Id)
    # What keeps one customer, case or session with one variant.
    sticky_key: Mapped[str | None] = mapped_column(Name)
    external_id: Mapped[str | None] = mapped_column(Name)
    input_key: Mapped[str | None] = mapped_column(Name)
    requested_by: Mapped[str] = mapped_column(Id)
    requested_by_name: Mapped[str] = mapped_column(Name)
    # The API key it was asked for with: what it may ask other agents for is bound by that key, too.
    requested_with: Mapped[str | None] = mapped_column(Id)
    # Of a run that another run asked for: that one, the first of all, how far below it, and by which call.
    parent_run_id: Mapped[str | None] = mapped_column(Id)
    root_run_id: Mapped[str | None] = mapped_column(Id)
    depth: Mapped[int] = mapped_column(default=0, server_default="0")
    parent_call: Mapped[str | None] = mapped_column(Name)
    # How many runs it asked for itself.
    child_runs: Mapped[int] = mapped_column(default=0, server_default="0")

    title: Mapped[str] = mapped_column(Name)
    search_text: Mapped[str] = mapped_column(Long, default="")
    input: Mapped[Any] = mapped_column(Json)
    output: Mapped[Any] = mapped_column(Json)
    is_scripted: Mapped[bool] = mapped_column(default=False)
    is_truncated: Mapped[bool] = mapped_column(default=False)
    is_price_unknown: Mapped[bool] = mapped_column(default=False)

    cost_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    # What people allowed this run beyond its revision's `limits.cost_usd`.
    raised_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0), server_default="0")
    tokens_in: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens_out: Mapped[int] = mapped_column(BigInteger, default=0)
    model_calls: Mapped[int] = mapped_column(default=0)
    tool_calls: Mapped[int] = mapped_column(default=0)
    # Since which turn it has read what, see `runs/marks.py`; null: not known, so taken for untrusted.
    flow: Mapped[dict[str, Any] | None] = mapped_column(Json)

    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    deadline_at: Mapped[datetime | None] = mapped_column(Moment)


class Leg(Base):
    """The part of a run between two waits: one durable workflow."""

    __tablename__ = "legs"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    state: Mapped[str] = mapped_column(State)
    worker: Mapped[str | None] = mapped_column(Name)
    # What the next leg waits for: `{call, kind, …}` each, see `runs/holds.py`.
    holds: Mapped[list[Any]] = mapped_column(Json, default=list)
    # What the leg relies on until its end, whatever changes meanwhile: its tools, what people settled. Empty after it.
    relies_on: Mapped[dict[str, Any] | None] = mapped_column(Json)
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class HoldAnswer(Base):
    """What a person, or a rule, answered to one hold of a leg. A leg's holds may be answered in any order."""

    __tablename__ = "hold_answers"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    leg: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    answered_at: Mapped[datetime] = mapped_column(Moment)


class RunMessage(Base):
    """One message of the conversation, written once. A model step points at how many came before it,
    so the history of a run grows with its length and not with its square."""

    __tablename__ = "run_messages"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    leg: Mapped[int]
    body: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)


class Step(Base):
    """One model call, tool call, or turn of the engine, with what came of it.

    `key` is unique in the run, so a step that runs again after a crash updates its row instead of adding one.
    """

    __tablename__ = "steps"
    __table_args__ = (UniqueConstraint("run_id", "key"), Index(None, "run_id", "seq"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    leg: Mapped[int]
    seq: Mapped[int]
    key: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(State)
    name: Mapped[str] = mapped_column(Name)
    state: Mapped[str] = mapped_column(State)
    attempts: Mapped[int] = mapped_column(default=1)
    code: Mapped[str | None] = mapped_column(Name)
    reason: Mapped[str | None] = mapped_column(Long)
    effect: Mapped[str | None] = mapped_column(State)
    verdicts: Mapped[list[Any]] = mapped_column(Json)
    request: Mapped[Any] = mapped_column(Json)
    response: Mapped[Any] = mapped_column(Json)
    detail: Mapped[dict[str, Any]] = mapped_column(Json)
    messages_before: Mapped[int | None] = mapped_column(Integer)
    model: Mapped[str | None] = mapped_column(Name)
    cost_usd: Mapped[Decimal | None] = mapped_column(Usd)
    tokens_in: Mapped[int | None] = mapped_column(BigInteger)
    tokens_out: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class RunEvent(Base):
    """Something a watcher of the run may want to know at once; numbered, so a broken stream resumes."""

    __tablename__ = "run_events"
    __table_args__ = (Index(None, "run_id", "id"), Index(None, "workspace_id", "id"))

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True
    )
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    kind: Mapped[str] = mapped_column(State)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(Moment)


class Effect(Base):
    """The ledger of acts on the outside world: the intent is written before the act.

    `intended` after a crash means: nobody knows whether it happened. It is never repeated silently.
    """

    __tablename__ = "effects"
    __table_args__ = (Index("ix_effects_open", "workspace_id", "state", "key"), Index(None, "run_id"))

    key: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id"))
    call_id: Mapped[str] = mapped_column(Name)
    tool: Mapped[str] = mapped_column(Name)
    effect: Mapped[str] = mapped_column(State)
    args: Mapped[Any] = mapped_column(Json)
    args_hash: Mapped[str] = mapped_column(Name)
    state: Mapped[str] = mapped_column(State)
    result: Mapped[Any] = mapped_column(Json)
    reason: Mapped[str | None] = mapped_column(Long)
    intended_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    settled_by: Mapped[str | None] = mapped_column(Id)
    settled_by_name: Mapped[str | None] = mapped_column(Name)
    settlement: Mapped[str | None] = mapped_column(State)
