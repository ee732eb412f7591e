"""Setting what an agent, an environment or the workspace may spend in a day, a week and a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.budgets.alerts import forget, tell_if_due
from signoff.budgets.defaults import Defaults
from signoff.budgets.refusals import LimitsOutOfOrder
from signoff.budgets.states import COVERS, SCOPES, Covers, Limit, Scope, is_always_counted, pot_name
from signoff.budgets.windows import PERIODS, Period, span_at
from signoff.kit import clock, ids, money
from signoff.kit.errors import Malformed, NotFound
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.agents import Agent
from signoff.tables.limits import BudgetLimit, SpendCounter
from signoff.tables.people import Environment, Workspace
from signoff.tables.runs import Run
from signoff.tables.upsert import insert_into

CAP_USD_MAX = Decimal(1_000_000)
CAP_WORDS = f"0, or from {money.as_text(money.LEAST_LIMIT)} to {CAP_USD_MAX:,}"
FIELDS: dict[Period, str] = {"day": "daily_usd", "week": "weekly_usd", "month": "monthly_usd"}


@dataclass(frozen=True, slots=True)
class Change:
    """What is to hold for one target.

    Args:
        target: slug or id of the agent or environment; the workspace needs none.
        caps: dollars by period, None for no limit; a period that is left out stays as it is.
        alert_percent: at how much of each people are told first; None leaves it.
        is_hard: whether a call over it is refused, or people are only told; None leaves it.
    """

    scope: Scope
    target: str | None = None
    covers: Covers = "all"
    caps: Mapping[Period, Decimal | None] = field(default_factory=dict[Period, "Decimal | None"])
    alert_percent: int | None = None
    is_hard: bool | None = None


def set_limits(session: Session, principal: Principal, defaults: Defaults, change: Change) -> None:
    """Set limits of one target. They hold from the next model call on, also for what is spent already.

    Raises:
        NotAllowed: the caller may not manage budgets.
        NotFound: there is no such agent or environment here.
        LimitsOutOfOrder: a day would have more than its week, or a week more than its month.
        Malformed: an amount is negative, not a number, or above a million.
    """
    authorize(principal, "budget.manage")
    target_id, name = _target(session, principal, change)
    before, after = put_limits(session, principal, defaults, change, target_id)
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="budget.limits_set",
        object_kind=change.scope,
        object_id=target_id,
        detail={"target": name, "covers": change.covers, "before": _told(before), "after": _told(after)},
    )


def _told(limits: Mapping[Period, Limit]) -> dict[str, Any]:
    return {
        period: {
            "usd": money.as_text(limit.cap_usd), "alert_percent": limit.alert_percent, "is_hard": limit.is_hard,
            "is_default": limit.is_default,
        }
        for period, limit in limits.items()
    }  # fmt: skip


def put_limits(
    session: Session, principal: Principal, defaults: Defaults, change: Change, target_id: str
) -> tuple[dict[Period, Limit], dict[Period, Limit]]:
    """Write limits without the audit of it; return what held before and what holds after. For this room."""
    _check(change)
    # Of two who set at the same moment the second one sees what the first one set, and the order holds for both.
    session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
    before = _standing(session, defaults, change.scope, target_id, change.covers)
    after: dict[Period, Limit] = {
        period: replace(
            limit,
            cap_usd=change.caps.get(period, limit.cap_usd),
            alert_percent=limit.alert_percent if change.alert_percent is None else change.alert_percent,
            is_hard=limit.is_hard if change.is_hard is None else change.is_hard,
            is_default=False,
        )
        for period, limit in before.items()
    }
    changed: dict[Period, Limit] = {
        period: limit
        for period, limit in after.items()
        if period in change.caps or (limit.cap_usd is not None and limit != replace(before[period], is_default=False))
    }
    _check_order(after)
    now, zone = clock.now(), _zone(session, principal)
    for limit in changed.values():
        _write(session, principal, limit)
        _recount(session, principal.workspace_id, limit, zone, now)
    _copy(session, change, target_id, after["day"].cap_usd)
    return before, {**before, **changed}


def _standing(
    session: Session, defaults: Defaults, scope: Scope, target_id: str, covers: Covers
) -> dict[Period, Limit]:
    rows = session.scalars(
        select(BudgetLimit).where(BudgetLimit.target_id == target_id, BudgetLimit.covers == covers)
    ).all()
    own = [
        Limit(scope, target_id, cast("Period", row.period), covers, row.cap_usd, row.alert_percent, row.is_hard)
        for row in rows
    ]
    found = {limit.period: limit for limit in defaults.over(own, [(scope, target_id)]) if limit.covers == covers}
    return {period: found.get(period, Limit(scope, target_id, period, covers, None)) for period in PERIODS}


def is_cap(cap: Decimal) -> bool:
    """Return whether an amount can be a limit: nothing at all, or as much as a token costs, and more."""
    return cap.is_finite() and (cap == 0 or money.LEAST_LIMIT <= cap <= CAP_USD_MAX)


def _check(change: Change) -> None:
    if change.scope not in SCOPES or change.covers not in COVERS:
        words = f"of {', '.join(SCOPES)}, covering {', '.join(COVERS)}"
        raise Malformed(f"A limit is {words}.", errors={"scope": [words]})
    for period, cap in change.caps.items():
        if cap is not None and not is_cap(cap):
            words = CAP_WORDS
            raise Malformed(f"{FIELDS[period]} is an amount of dollars {words}.", errors={FIELDS[period]: [words]})
    if change.alert_percent is not None and not 1 <= change.alert_percent <= 100:
        raise Malformed("People are told at 1 to 100 percent.", errors={"alert_percent": ["from 1 to 100"]})


def _check_order(limits: Mapping[Period, Limit]) -> None:
    set_ones = [limit for period in PERIODS if (limit := limits[period]).cap_usd is not None]
    for shorter, longer in pairwise(set_ones):
        least, most = shorter.cap_usd, longer.cap_usd
        if least is not None and most is not None and least > most:
            shown = money.as_text(least), money.as_text(most)
            raise LimitsOutOfOrder(
                f"A {shorter.period} would have ${shown[0]} and a {longer.period} only ${shown[1]}. "
                f"Raise the {longer.period} to at least ${shown[0]} first, or lower the {shorter.period}.",
                errors={FIELDS[longer.period]: [f"at least {shown[0]}, what a {shorter.period} has"]},
            )


def _target(session: Session, principal: Principal, change: Change) -> tuple[str, str]:
    """Return id and slug of what the limit is for."""
    if change.scope == "workspace":
        return principal.workspace_id, ""
    table = Agent if change.scope == "agent" else Environment
    wanted = change.target or ""
    found = session.execute(
        select(table.id, table.slug).where(
            table.workspace_id == principal.workspace_id, (table.slug == wanted) | (table.id == wanted)
        )
    ).first()
    if found is None:
        raise NotFound(f"There is no {change.scope} {wanted[:63]!r} in this workspace.")
    return found[0], found[1]


def _zone(session: Session, principal: Principal) -> str:
    return session.scalar(select(Workspace.time_zone).where(Workspace.id == principal.workspace_id)) or "UTC"


def _write(session: Session, principal: Principal, limit: Limit) -> None:
    session.merge(
        BudgetLimit(
            target_id=limit.target_id, period=limit.period, covers=limit.covers,
            workspace_id=principal.workspace_id, scope=limit.scope, cap_usd=limit.cap_usd,
            alert_percent=limit.alert_percent, is_hard=limit.is_hard, changed_by=principal.id,
            changed_by_name=principal.name, changed_at=clock.now(),
        )
    )  # fmt: skip
    session.flush()


def _recount(session: Session, workspace_id: str, limit: Limit, zone: str, now: datetime) -> None:
    """Let the pot of the present day, week or month begin with what its runs have cost, and tell of the new limit.

    What was counted without a limit is in no pot. A run that began before the span is not counted, and what a pot has
    counted already never becomes less.
    """
    span = span_at(limit.period, zone, now)
    pot = pot_name(limit.scope, limit.target_id, limit.period, limit.covers, span.key)
    forget(session, workspace_id, pot)
    told = {"cap_usd": limit.cap_usd or None, "warn_usd": limit.warn_usd}
    if limit.cap_usd is None:
        session.execute(update(SpendCounter).where(SpendCounter.pot == pot).values(**told))
        return
    spent = money.ZERO if is_always_counted(limit) else _cost_of_runs(session, workspace_id, limit, span.start)
    first = {"pot": pot, "workspace_id": workspace_id, "spent_usd": money.ZERO, "held_usd": money.ZERO}
    session.execute(insert_into(session, SpendCounter).values(**first).on_conflict_do_nothing())
    session.execute(
        update(SpendCounter)
        .where(SpendCounter.pot == pot, SpendCounter.spent_usd < spent)
        .values(spent_usd=spent)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(SpendCounter).where(SpendCounter.pot == pot).values(**told).execution_options(synchronize_session=False)
    )
    # Its row is held since it was changed just now.
    found = (SpendCounter.spent_usd, SpendCounter.cap_usd, SpendCounter.warn_usd, SpendCounter.workspace_id)
    tell_if_due(session, pot, session.execute(select(*found).where(SpendCounter.pot == pot)).one())


def _cost_of_runs(session: Session, workspace_id: str, limit: Limit, since: datetime) -> Decimal:
    wanted = [Run.workspace_id == workspace_id, Run.id >= ids.first_at("run", since)]
    if limit.scope == "agent":
        wanted.append(Run.agent_id == limit.target_id)
    elif limit.scope == "environment":
        wanted.append(Run.environment_id == limit.target_id)
    if limit.covers != "all":
        wanted.append(Run.origin == limit.covers)
    return session.scalar(select(func.sum(Run.cost_usd)).where(*wanted)) or money.ZERO


def _copy(session: Session, change: Change, target_id: str, daily_usd: Decimal | None) -> None:
    """Keep the columns equal that the release before reads, and the old fields of the API."""
    if change.covers != "all" or change.scope == "agent" or "day" not in change.caps:
        return
    table = Workspace if change.scope == "workspace" else Environment
    row = session.get_one(table, target_id)
    row.daily_cap_usd = daily_usd
    session.flush()
