"""Every limit with what is spent of it: for the page of limits, the agent's own page, the API and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.budgets.defaults import Defaults
from signoff.budgets.queries import Spend, spent_in
from signoff.budgets.states import Covers, Limit, Scope, pot_name
from signoff.budgets.windows import PERIODS, Period, Span, span_at
from signoff.kit import clock
from signoff.people.access import Principal, authorize
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent
from signoff.tables.limits import BudgetLimit
from signoff.tables.people import Environment, Workspace

LIMITS_MAX = 1_000
# Of less than this share of a span nothing can be foretold.
_FORETOLD_FROM = 0.05


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One limit, and what is spent of it in the present day, week or month, in dollars.

    Args:
        target: the slug of the agent or environment; empty for the workspace.
        cap_usd: None where somebody decided that there is no limit.
        forecast_usd: what will be spent at its end if it goes on like this; None while it is too early to tell.
        changed_by_name: None where the default holds.
    """

    scope: Scope
    target_id: str
    target: str
    name: str
    period: Period
    covers: Covers
    cap_usd: Decimal | None
    alert_percent: int
    is_hard: bool
    is_default: bool
    spent_usd: Decimal
    held_usd: Decimal
    forecast_usd: Decimal | None
    starts_at: datetime
    ends_at: datetime
    changed_by_name: str | None
    changed_at: datetime | None

    @property
    def percent(self) -> int:
        """Return how much of it is spent."""
        return int(self.spent_usd * 100 / self.cap_usd) if self.cap_usd else 100 if self.cap_usd is not None else 0

    @property
    def tone(self) -> str:
        """Return how near it is: `ok`, `wait`, `bad`; `idle` without a limit."""
        if self.cap_usd is None:
            return "idle"
        return "bad" if self.percent >= 100 else "wait" if self.percent >= self.alert_percent else "ok"


@dataclass(frozen=True, slots=True)
class _Target:
    scope: Scope
    id: str
    slug: str
    name: str


def limit_lines(
    session: Session, viewer: Principal, defaults: Defaults, *, agent: str | None = None
) -> list[LimitLine]:
    """Return the limits that hold in the viewer's workspace, those of agents last; of one agent alone with `agent`, its
    id. An agent under the defaults alone is not among all: the defaults stand once, on top of the page.

    Raises:
        NotAllowed: the viewer may not see budgets.
    """
    authorize(viewer, "budget.read")
    rows = session.scalars(
        select(BudgetLimit)
        .where(
            BudgetLimit.workspace_id == viewer.workspace_id,
            *([BudgetLimit.target_id == agent] if agent else []),
        )
        .order_by(BudgetLimit.scope.desc(), BudgetLimit.target_id)
        .limit(LIMITS_MAX)
    ).all()
    known = {(row.target_id, row.period, row.covers): row for row in rows}
    targets = _targets(session, viewer, [row.target_id for row in rows if row.scope == "agent"], agent)
    own = [
        Limit(cast("Scope", row.scope), row.target_id, cast("Period", row.period), cast("Covers", row.covers),
              row.cap_usd, row.alert_percent, row.is_hard)
        for row in rows
        if row.target_id in targets
    ]  # fmt: skip
    standard: list[tuple[Scope, str]] = [
        (target.scope, target.id) for target in targets.values() if target.scope == "workspace" or target.id == agent
    ]
    limits = sorted(defaults.over(own, standard), key=lambda limit: _order(targets[limit.target_id], limit))
    return _lines(session, viewer, limits, targets, known)


def _order(target: _Target, limit: Limit) -> tuple[int, str, str, int]:
    place = ("workspace", "environment", "agent").index(target.scope)
    return place, target.name.casefold(), limit.covers, PERIODS.index(limit.period)


def _targets(session: Session, viewer: Principal, limited: Sequence[str], agent: str | None) -> dict[str, _Target]:
    agents = session.execute(
        select(Agent.id, Agent.slug, Agent.name).where(
            *visible_agents(viewer), Agent.id.in_([agent] if agent else list(set(limited)))
        )
    )
    found = [_Target("agent", *row) for row in agents]
    if agent is None:
        places = session.execute(
            select(Environment.id, Environment.slug, Environment.name).where(
                Environment.workspace_id == viewer.workspace_id,
                *([Environment.id == viewer.environment_id] if viewer.environment_id else []),
            )
        )
        found += [_Target("environment", *row) for row in places]
        found.append(_Target("workspace", viewer.workspace_id, "", "The workspace"))
    return {target.id: target for target in found}


def _lines(
    session: Session,
    viewer: Principal,
    limits: Sequence[Limit],
    targets: dict[str, _Target],
    known: dict[tuple[str, str, str], BudgetLimit],
) -> list[LimitLine]:
    now = clock.now()
    zone = session.get_one(Workspace, viewer.workspace_id).time_zone
    spans = {period: span_at(period, zone, now) for period in PERIODS}
    pots = [
        pot_name(limit.scope, limit.target_id, limit.period, limit.covers, spans[limit.period].key) for limit in limits
    ]
    lines: list[LimitLine] = []
    for limit, spend in zip(limits, spent_in(session, pots), strict=True):
        target, span = targets[limit.target_id], spans[limit.period]
        row = known.get((limit.target_id, limit.period, limit.covers))
        lines.append(
            LimitLine(
                limit.scope, limit.target_id, target.slug, target.name, limit.period, limit.covers, limit.cap_usd,
                limit.alert_percent, limit.is_hard, limit.is_default, spend.spent_usd, spend.held_usd,
                _forecast(spend, span, now), span.start, span.end, row.changed_by_name if row else None,
                row.changed_at if row else None,
            )
        )  # fmt: skip
    return lines


def _forecast(spend: Spend, span: Span, now: datetime) -> Decimal | None:
    gone = span.share_gone(now)
    if gone < _FORETOLD_FROM:
        return None
    return (spend.spent_usd / Decimal(str(gone))).quantize(Decimal("0.0001"))
