"""Facts of finished runs, one row each, and their sums by the hour."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Float, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Id, Moment, Name, State, Usd


class Signal(Base):
    """What one finished run says of its revision. Everything that compares or watches reads these."""

    __tablename__ = "signals"
    __table_args__ = (
        Index(None, "agent_id", "environment_id", "run_id"),
        Index(None, "revision_id", "run_id"),
        Index(None, "release_id", "variant", "run_id"),
        Index(None, "workspace_id", "ended_at"),
    )

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"))
    release_id: Mapped[str | None] = mapped_column(Id)
    variant: Mapped[str] = mapped_column(State)
    source: Mapped[str] = mapped_column(State)
    origin: Mapped[str] = mapped_column(State)
    mode: Mapped[str] = mapped_column(State)
    status: Mapped[str] = mapped_column(State)
    code: Mapped[str | None] = mapped_column(Name)
    # Failed, and not because somebody said no or called it off.
    is_error: Mapped[bool]
    # A person had to do something before it could end.
    needed_input: Mapped[bool]
    cost_usd: Mapped[Decimal] = mapped_column(Usd)
    tokens: Mapped[int] = mapped_column(BigInteger)
    duration_seconds: Mapped[float] = mapped_column(Float)
    tool_calls: Mapped[int]
    approvals_asked: Mapped[int]
    approvals_denied: Mapped[int]
    # The class of the task: the text `class` of the run's output, where the revision's schema declares it. And how good
    # the run was, from 0 to 1, where somebody measured it; null is "not measured". A pair's judgement is none: it says
    # which of two was better, and is compared as that.
    kind: Mapped[str | None] = mapped_column(Name)
    score: Mapped[float | None] = mapped_column(Float)
    ended_at: Mapped[datetime] = mapped_column(Moment)


class Leak(Base):
    """The value of a secret that was caught and masked where it must not be: once for each run, place and secret. The
    value itself is kept nowhere."""

    __tablename__ = "leaks"
    __table_args__ = (Index(None, "agent_id", "environment_id", "at"),)

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    # `prompt`, `answer`, `arguments` or `result`; of which model or tool; which secret.
    place: Mapped[str] = mapped_column(State, primary_key=True)
    what: Mapped[str] = mapped_column(Name, primary_key=True)
    secret: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"))
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"))
    step_key: Mapped[str] = mapped_column(Name)
    at: Mapped[datetime] = mapped_column(Moment)


class SignalHour(Base):
    """The sums of one hour, of one revision in one environment as one variant, by origin. Sums of squares allow
    intervals."""

    __tablename__ = "signal_hours"
    __table_args__ = (Index(None, "workspace_id", "hour"),)

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    environment_id: Mapped[str] = mapped_column(ForeignKey("environments.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    revision_id: Mapped[str] = mapped_column(ForeignKey("revisions.id"), primary_key=True)
    variant: Mapped[str] = mapped_column(State, primary_key=True)
    origin: Mapped[str] = mapped_column(State, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    runs: Mapped[int]
    completed: Mapped[int]
    failed: Mapped[int]
    cancelled: Mapped[int]
    errors: Mapped[int]
    needed_input: Mapped[int]
    approvals_asked: Mapped[int]
    approvals_denied: Mapped[int]
    tool_calls: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger)
    cost_usd: Mapped[Decimal] = mapped_column(Usd)
    duration_seconds: Mapped[float] = mapped_column(Float)
    duration_squares: Mapped[float] = mapped_column(Float)
