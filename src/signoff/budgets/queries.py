"""What was spent and what is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.budgets import statements
from signoff.budgets.defaults import Defaults
from signoff.budgets.states import day_of
from signoff.kit import clock, money
from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize
from signoff.tables.limits import BudgetLimit
from signoff.tables.people import Environment, Workspace
from signoff.tables.runs import Run

DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Spend:
    """One pot, in dollars. `cap_usd` None means no cap; `test_usd` is the share of test runs in what is spent."""

    spent_usd: Decimal
    held_usd: Decimal
    cap_usd: Decimal | None = None
    test_usd: Decimal = money.ZERO

    @property
    def production_usd(self) -> Decimal:
        """Return what real work has spent."""
        return self.spent_usd - self.test_usd

    @property
    def left_usd(self) -> Decimal | None:
        """Return what may still be spent, never below zero; None without a cap."""
        if self.cap_usd is None:
            return None
        return max(self.cap_usd - self.spent_usd - self.held_usd, money.ZERO)

    @property
    def is_used_up(self) -> bool:
        """Return whether nothing more may be spent."""
        return self.cap_usd is not None and self.spent_usd >= self.cap_usd


@dataclass(frozen=True, slots=True)
class DayOfSpend:
    """What a workspace spent on one day; `test_usd` is the share of test runs in it."""

    day: str
    spent_usd: Decimal
    held_usd: Decimal
    test_usd: Decimal = money.ZERO


def spent(session: Session, pot: str) -> Spend:
    """Return what pot `pot` has spent and holds; nothing yet is zero. For rooms and gateways, which know the pot."""
    return spent_in(session, [pot])[0]


def spent_in(session: Session, pots: list[str]) -> tuple[Spend, ...]:
    """Return what each of `pots` has spent and holds, in their order. For rooms and gateways."""
    size = next((size for size in statements.SPENT_FEW if 0 < len(pots) <= size), 0)
    if size:
        padded = (pots * size)[:size]
        of = {f"of_pot_{number + 1}": pot for number, pot in enumerate(padded)}
        rows = statements.SPENT_FEW[size].all(session, of)
    else:
        rows = session.connection().execute(statements.SPENT, {"of_pots": pots}).all()
    found = {row.pot: Spend(row.spent_usd, row.held_usd) for row in rows}
    return tuple(found.get(pot, Spend(money.ZERO, money.ZERO)) for pot in pots)


def spent_by_run(session: Session, viewer: Principal, run_id: str) -> Spend:
    """Return what one run of the viewer's workspace has spent and holds.

    Raises:
        NotFound: there is no such run here.
        NotAllowed: the viewer may not see budgets.
    """
    authorize(viewer, "budget.read")
    known = session.scalar(select(Run.id).where(Run.id == run_id, Run.workspace_id == viewer.workspace_id))
    if known is None:
        raise NotFound("There is no such run in this workspace.")
    return spent(session, f"run:{run_id}")


def today(session: Session, workspace_id: str, defaults: Defaults) -> Spend:
    """Return today's spend of a workspace against its limit for the day. For rooms and gateways."""
    zone = session.get_one(Workspace, workspace_id).time_zone
    day = day_of(zone, clock.now())
    found, tests = spent_in(session, [f"day:{workspace_id}:{day}", f"test:{workspace_id}:{day}"])
    caps = _day_caps(session, workspace_id, defaults)
    return Spend(found.spent_usd, found.held_usd, caps.get(workspace_id), tests.spent_usd)


def today_by_environment(session: Session, viewer: Principal) -> dict[str, Spend]:
    """Return today's spend of each environment of the viewer's workspace against its limit for the day, by its id.

    Raises:
        NotAllowed: the viewer may not see budgets.
    """
    authorize(viewer, "budget.read")
    zone = session.get_one(Workspace, viewer.workspace_id).time_zone
    places = session.scalars(select(Environment.id).where(Environment.workspace_id == viewer.workspace_id)).all()
    day, caps = day_of(zone, clock.now()), _day_caps(session, viewer.workspace_id, Defaults())
    found = spent_in(session, [f"place:{place}:{day}" for place in places])
    return {
        place: Spend(spend.spent_usd, spend.held_usd, caps.get(place))
        for place, spend in zip(places, found, strict=True)
    }


def _day_caps(session: Session, workspace_id: str, defaults: Defaults) -> dict[str, Decimal | None]:
    """Return the limits for a day of the workspace and its environments, for the money of all runs."""
    own = session.scalars(
        select(BudgetLimit).where(
            BudgetLimit.workspace_id == workspace_id,
            BudgetLimit.scope.in_(("workspace", "environment")),
            BudgetLimit.period == "day",
            BudgetLimit.covers == "all",
        )
    ).all()
    standard = {
        limit.target_id: limit.cap_usd
        for limit in defaults.limits("workspace", workspace_id)
        if (limit.period, limit.covers) == ("day", "all")
    }
    return standard | {row.target_id: row.cap_usd for row in own}


def daily(session: Session, viewer: Principal, *, days: int = 30) -> list[DayOfSpend]:
    """Return the viewer's workspace day by day, newest first, days without spend included.

    Raises:
        NotAllowed: the viewer may not see budgets.
    """
    authorize(viewer, "budget.read")
    workspace = session.get_one(Workspace, viewer.workspace_id)
    last = date.fromisoformat(day_of(workspace.time_zone, clock.now()))
    wanted = [(last - timedelta(days=back)).isoformat() for back in range(max(1, min(days, DAYS_MAX)))]
    pots = [f"{kind}:{viewer.workspace_id}:{day}" for kind in ("day", "test") for day in wanted]
    found = dict(zip(pots, spent_in(session, pots), strict=True))

    def of(day: str) -> DayOfSpend:
        whole, tests = (found[f"{kind}:{viewer.workspace_id}:{day}"] for kind in ("day", "test"))
        return DayOfSpend(day, whole.spent_usd, whole.held_usd, tests.spent_usd)

    return [of(day) for day in wanted]
