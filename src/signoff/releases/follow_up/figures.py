"""What finished runs say of a stretch of time, as sums: for a day of the first week, and for a review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.tables.follow_ups import FollowUp
from signoff.tables.signals import Signal


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over the real runs of an agent in one environment that ended in a stretch of time.

    Attributes:
        seconds: the mean of those that completed and waited for nobody; None: there was none.
    """

    runs: int = 0
    completed: int = 0
    errors: int = 0
    needed_input: int = 0
    approvals_asked: int = 0
    approvals_denied: int = 0
    tool_calls: int = 0
    cost_usd: Decimal = Decimal(0)
    seconds: float | None = None
    seconds_max: float | None = None

    @property
    def error_percent(self) -> float | None:
        """Return the share that failed by a fault; None without runs."""
        return _percent(self.errors, self.runs)

    @property
    def needed_input_percent(self) -> float | None:
        """Return the share that needed a person; None without runs."""
        return _percent(self.needed_input, self.runs)

    @property
    def denied_percent(self) -> float | None:
        """Return the share of requests that people denied; None when nobody was asked."""
        return _percent(self.approvals_denied, self.approvals_asked)

    @property
    def cost_per_run_usd(self) -> float | None:
        """Return the mean cost of a run; None without runs."""
        return float(self.cost_usd) / self.runs if self.runs else None


def figures_of(
    session: Session,
    one: FollowUp,
    since: datetime,
    until: datetime,
    *,
    origin: str = "production",
    revision_id: str | None = None,
) -> Figures:
    """Return the figures of an agent between two moments; no shadows, no replays, nothing simulated."""
    wanted = [
        Signal.workspace_id == one.workspace_id, Signal.ended_at >= since, Signal.ended_at < until,
        Signal.agent_id == one.agent_id, Signal.mode == "live", Signal.origin == origin,
    ]  # fmt: skip
    if origin == "production":
        wanted.append(Signal.environment_id == one.environment_id)
    if revision_id is not None:
        wanted.append(Signal.revision_id == revision_id)
    smooth = (Signal.status == "completed") & ~Signal.needed_input
    row: Any = session.execute(
        select(
            func.count(),
            func.count().filter(Signal.status == "completed"),
            func.count().filter(Signal.is_error),
            func.count().filter(Signal.needed_input),
            func.sum(Signal.approvals_asked),
            func.sum(Signal.approvals_denied),
            func.sum(Signal.tool_calls),
            func.sum(Signal.cost_usd),
            func.avg(Signal.duration_seconds).filter(smooth),
            func.max(Signal.duration_seconds).filter(smooth),
        ).where(*wanted)
    ).one()
    runs, completed, errors, needed, asked, denied, calls = (int(value or 0) for value in row[:7])
    return Figures(runs, completed, errors, needed, asked, denied, calls, Decimal(row[7] or 0), row[8], row[9])


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
