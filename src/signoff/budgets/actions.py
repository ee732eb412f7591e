"""Reserve before a call, settle after it: one conditional update per pot, so no number of callers passes a cap."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.budgets import statements
from signoff.budgets.counters import change_counters, hold_in_all, open_all
from signoff.budgets.states import Pot
from signoff.kit import clock, money
from signoff.kit.errors import BudgetExceeded, StoreError
from signoff.record import trace
from signoff.tables.limits import Reservation, SpendCounter


def reserve(
    session: Session, *, workspace_id: str, run_id: str, step_key: str, amount: Decimal, pots: Sequence[Pot]
) -> str:
    """Hold `amount` dollars in every pot, or refuse and hold nothing. Returns the reservation's id.

    A pot takes a hold that fits under its cap. A pot in which nothing is held takes one call as long as any money is
    left: an estimate is the worst case, and a call that will cost a cent must not be refused because it might cost
    ten. So a pot ends at most one call above its cap.

    The same step reserving again (it was cut off by a crash) takes over its earlier hold instead of adding one.

    Raises:
        BudgetExceeded: the pot that has no room, in words; `extra` holds `pot`, `cap_usd`, `spent_usd`, `held_usd`,
            `asked_usd` as texts.
    """
    latest = statements.LATEST.first(session, {"of_run": run_id, "of_step": step_key})
    is_taken_over = latest is not None and latest.state == "held"
    if latest is not None and is_taken_over:
        open_all(session, workspace_id, pots)
        change_counters(session, latest.pots, held=-latest.amount_usd)
    full = hold_in_all(session, workspace_id, pots, amount)
    if full is not None:
        refusal = _refusal(session, full, amount)
        if latest is not None and is_taken_over:
            change_counters(session, latest.pots, held=latest.amount_usd)
        raise refusal
    values = {"pots": [pot.name for pot in pots], "amount_usd": amount, "created_at": clock.now()}
    if latest is not None and is_taken_over:
        statements.TAKE_OVER.run(session, {"of_id": latest.id, **values})
        return latest.id
    number = int(latest.id.rsplit("#", 1)[1]) + 1 if latest is not None else 1
    fixed = {"id": f"{run_id}/{step_key}#{number}", "workspace_id": workspace_id, "run_id": run_id}
    statements.RESERVE.run(session, {**fixed, "step_key": step_key, "state": "held", **values})
    return fixed["id"]


def settle(session: Session, reservation_id: str, cost: Decimal) -> bool:
    """Turn a hold into `cost` dollars spent. A second settlement changes nothing. Returns whether this was the first.

    Raises:
        StoreError: there is no such reservation.
    """
    return _end(session, reservation_id, "settled", cost)


def release(session: Session, reservation_id: str) -> None:
    """Give a hold back: nothing was spent. A second release changes nothing."""
    _end(session, reservation_id, "released", money.ZERO)


def settle_left_over(session: Session, run_id: str) -> Decimal:
    """Book what a run that has ended still holds as spent: its calls were cut off and may well be billed.

    Their steps and the run count it too, as an estimate. Returns the dollars booked.
    """
    total = money.ZERO
    left = statements.HELD.all(session, {"of_run": run_id})
    for reservation_id, step_key, amount in left:
        if _end(session, reservation_id, "settled", amount):
            trace.book_estimate(session, run_id, step_key, amount)
            total += amount
    return total


def _end(session: Session, reservation_id: str, state: str, cost: Decimal) -> bool:
    values = {"of_id": reservation_id, "to_state": state, "cost": cost}
    ended = statements.END.first(session, values)
    if ended is not None:
        change_counters(session, ended.pots, held=-ended.amount_usd, spent=cost)
    elif session.scalar(select(Reservation.id).where(Reservation.id == reservation_id)) is None:
        raise StoreError(f"There is no reservation {reservation_id}.")
    return ended is not None


def _refusal(session: Session, pot: Pot, amount: Decimal) -> BudgetExceeded:
    counter = session.get(SpendCounter, pot.name, populate_existing=True)
    spent, held = (counter.spent_usd, counter.held_usd) if counter else (money.ZERO, money.ZERO)
    facts = {"cap_usd": pot.cap_usd, "spent_usd": spent, "held_usd": held, "asked_usd": amount}
    plain = {name: money.as_text(value) for name, value in facts.items()}
    shown = {name: money.dollars(value) for name, value in facts.items()}
    under_way = f", {shown['held_usd']} is held for calls under way" if held else ""
    return BudgetExceeded(
        f"{pot.words} is {shown['cap_usd']}. {shown['spent_usd']} is spent{under_way}, "
        f"and the next call could cost {shown['asked_usd']}. {pot.remedy}",
        extra={"pot": pot.name, **plain},
        code=f"{pot.kind}_budget_exceeded",
    )
