"""Money, freezes, the answer cache, prices: what bounds a call."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, true
from sqlalchemy.orm import Mapped, mapped_column

from signoff.tables.base import Base, Hash, Id, Json, Long, Moment, Name, State, Usd


class SpendCounter(Base):
    """What one pot has spent and holds: `run:run_…`, `day:ws_…:2026-11-20`. Updated conditionally, so never over."""

    __tablename__ = "spend_counters"

    pot: Mapped[str] = mapped_column(Name, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    spent_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    held_usd: Mapped[Decimal] = mapped_column(Usd, default=Decimal(0))
    # For the alerts: the limit people are told of, and how much spent they are told at next; None: nothing to tell.
    cap_usd: Mapped[Decimal | None] = mapped_column(Usd)
    warn_usd: Mapped[Decimal | None] = mapped_column(Usd)


class BudgetLimit(Base):
    """What one agent, one environment or the workspace may spend in a day, a week or a month.

    `covers`: the money of `all` runs, of `production` or of `test` runs. No row: the installation's default holds.
    """

    __tablename__ = "budget_limits"
    __table_args__ = (Index(None, "workspace_id", "scope"),)

    target_id: Mapped[str] = mapped_column(Id, primary_key=True)
    period: Mapped[str] = mapped_column(State, primary_key=True)
    covers: Mapped[str] = mapped_column(State, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    scope: Mapped[str] = mapped_column(State)
    # None: somebody decided that there is no limit, also not the default.
    cap_usd: Mapped[Decimal | None] = mapped_column(Usd)
    alert_percent: Mapped[int] = mapped_column(default=80, server_default="80")
    # A limit that is not hard tells people and refuses nothing.
    is_hard: Mapped[bool] = mapped_column(default=True, server_default=true())
    changed_by: Mapped[str] = mapped_column(Id)
    changed_by_name: Mapped[str] = mapped_column(Name)
    changed_at: Mapped[datetime] = mapped_column(Moment)


class Reservation(Base):
    """The estimate of one model call, held before it and settled after it. One row per attempt of a step."""

    __tablename__ = "reservations"
    __table_args__ = (Index(None, "run_id", "state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    step_key: Mapped[str] = mapped_column(Name)
    pots: Mapped[list[Any]] = mapped_column(Json)
    amount_usd: Mapped[Decimal] = mapped_column(Usd)
    settled_usd: Mapped[Decimal | None] = mapped_column(Usd)
    state: Mapped[str] = mapped_column(State)
    created_at: Mapped[datetime] = mapped_column(Moment)


class PriceOverride(Base):
    """A price an administrator entered, in dollars per million tokens."""

    __tablename__ = "price_overrides"

    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"), primary_key=True)
    model: Mapped[str] = mapped_column(Name, primary_key=True)
    input_usd: Mapped[Decimal] = mapped_column(Usd)
    output_usd: Mapped[Decimal] = mapped_column(Usd)
    changed_by: Mapped[str] = mapped_column(Id)
    changed_at: Mapped[datetime] = mapped_column(Moment)


class CachedAnswer(Base):
    """A model answer to an equal request of the same agent."""

    __tablename__ = "cached_answers"
    __table_args__ = (Index(None, "created_at"),)

    agent_id: Mapped[str] = mapped_column(ForeignKey("agents.id"), primary_key=True)
    request_hash: Mapped[str] = mapped_column(Hash, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    response: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)


class FreezeOrder(Base):
    """The order to stop writing now: for one agent, one connection, or the whole workspace, until it is lifted."""

    __tablename__ = "freezes"
    __table_args__ = (Index(None, "workspace_id", "lifted_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    scope: Mapped[str] = mapped_column(State)
    target_id: Mapped[str] = mapped_column(Id)
    reason: Mapped[str] = mapped_column(Long)
    ordered_by: Mapped[str] = mapped_column(Id)
    ordered_by_name: Mapped[str] = mapped_column(Name)
    ordered_at: Mapped[datetime] = mapped_column(Moment)
    lifted_at: Mapped[datetime | None] = mapped_column(Moment)
    lifted_by_name: Mapped[str | None] = mapped_column(Name)
