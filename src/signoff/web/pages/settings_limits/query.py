"""What the page of limits shows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_by_slug, agent_names
from signoff.budgets.defaults import Defaults
from signoff.budgets.overview import LimitLine, limit_lines
from signoff.budgets.prices import EnteredPrice, entered_prices
from signoff.budgets.queries import DayOfSpend, Spend, daily, today
from signoff.connections.queries import connection
from signoff.freezes.queries import Freeze, active_freezes
from signoff.kit.errors import Refusal
from signoff.people.access import Principal, can
from signoff.people.queries import environments, workspace
from signoff.web.refused import NOT_REFUSED, Refused

DAYS = 30


@dataclass(frozen=True, slots=True)
class Frozen:
    """A freeze in force, and what it is on. `path` lies below the workspace; empty for the whole workspace."""

    freeze: Freeze
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Money:
    """What was spent and may be spent, in dollars."""

    today: Spend
    days: tuple[DayOfSpend, ...]
    prices: tuple[EnteredPrice, ...]
    limits: tuple[LimitLine, ...]
    zone: str

    @property
    def bars(self) -> list[dict[str, str | float]]:
        """Return the days for the chart, oldest first."""
        return [{"start": day.day, "spent": round(float(day.spent_usd), 4)} for day in reversed(self.days)]

    @property
    def total(self) -> Decimal:
        """Return the sum of the days."""
        return sum((day.spent_usd for day in self.days), Decimal(0))

    @property
    def tone(self) -> str:
        """Return how near the cap is."""
        cap, spent = self.today.cap_usd, self.today.spent_usd
        if cap is None:
            return "idle"
        return "bad" if spent >= cap else "wait" if spent >= cap * Decimal("0.8") else "ok"


@dataclass(frozen=True, slots=True)
class LimitsView:
    """The page. `money` None: the viewer may not see it."""

    money: Money | None
    frozen: tuple[Frozen, ...]
    may_manage: bool
    may_freeze: bool
    is_workspace_frozen: bool
    targets: tuple[tuple[str, str], ...]
    refused: Refused

    @property
    def cap_text(self) -> str:
        """Return the cap as the form shows it."""
        cap = self.money.today.cap_usd if self.money else None
        return "" if cap is None else format(cap.normalize(), "f")


def load(session: Session, viewer: Principal, defaults: Defaults, refused: Refused = NOT_REFUSED) -> LimitsView:
    """Return the view. `defaults`: what may be spent where nobody set a limit."""
    found = active_freezes(session, viewer)
    return LimitsView(
        money=_money(session, viewer, defaults) if can(viewer, "budget.read") else None,
        frozen=tuple(_frozen(session, viewer, freeze) for freeze in found),
        may_manage=can(viewer, "budget.manage"),
        may_freeze=can(viewer, "freeze.order"),
        is_workspace_frozen=any(freeze.scope == "workspace" for freeze in found),
        targets=_targets(session, viewer) if can(viewer, "budget.manage") else (),
        refused=refused,
    )


def _targets(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    """Return what a limit can be set for, as the form says it: `scope:id`, and words."""
    places = [(f"environment:{place.id}", f"Environment {place.name}") for place in environments(session, viewer)]
    found = agent_names(session, viewer)
    return (("workspace:", "The workspace"), *places, *((f"agent:{agent.id}", agent.name) for agent in found))


def _money(session: Session, viewer: Principal, defaults: Defaults) -> Money:
    return Money(
        limits=tuple(limit_lines(session, viewer, defaults)),
        today=today(session, viewer.workspace_id, defaults),
        days=tuple(daily(session, viewer, days=DAYS)),
        prices=tuple(entered_prices(session, viewer)),
        zone=workspace(session, viewer).time_zone,
    )


def _frozen(session: Session, viewer: Principal, freeze: Freeze) -> Frozen:
    # Freezes in force are few: they are orders of people.
    try:
        if freeze.scope == "agent":
            agent = agent_by_slug(session, viewer, freeze.target_id)
            return Frozen(freeze, agent.name, f"/agents/{agent.slug}")
        if freeze.scope == "connection":
            row = connection(session, viewer, freeze.target_id).row
            return Frozen(freeze, row.name, f"/connections/{row.id}")
    except Refusal:
        return Frozen(freeze, f"A {freeze.scope} you do not see", "")
    return Frozen(freeze, "The whole workspace", "")
