"""Reserve before a call, settle after it: one conditional update per pot, so no number of callers passes a cap."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import and_, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from signoff.budgets.states import Pot
from signoff.kit import clock, money
from signoff.kit.errors import BudgetExceeded, StoreError
from signoff.tables.base import Usd
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
    # A savepoint: a refusal by the second pot takes back the hold in the first, whatever the caller does next.
    with session.begin_nested():
        reservation = _reservation(session, workspace_id, run_id, step_key)
        # One order for everybody, so that two reservations cannot wait for each other.
        for pot in sorted(pots, key=lambda pot: pot.name):
            _ensure(session, workspace_id, pot.name)
            if not _hold(session, pot, amount):
                raise _refusal(session, pot, amount)
        reservation.pots, reservation.amount_usd = [pot.name for pot in pots], amount
    return reservation.id


def _reservation(session: Session, workspace_id: str, run_id: str, step_key: str) -> Reservation:
    """Return the row to hold with: the hold a crash left, emptied, or a new one."""
    latest = _latest(session, run_id, step_key)
    if latest is not None and latest.state == "held":
        _release_hold(session, latest)
        return latest
    number = _number_of(latest) + 1 if latest is not None else 1
    new = Reservation(
        id=f"{run_id}/{step_key}#{number}",
        workspace_id=workspace_id,
        run_id=run_id,
        step_key=step_key,
        pots=[],
        amount_usd=money.ZERO,
        state="held",
        created_at=clock.now(),
    )
    session.add(new)
    return new


def settle(session: Session, reservation_id: str, cost: Decimal) -> None:
    """Turn a hold into `cost` dollars spent. A second settlement changes nothing.

    Raises:
        StoreError: there is no such reservation.
    """
    _end(session, reservation_id, "settled", cost)


def release(session: Session, reservation_id: str) -> None:
    """Give a hold back: nothing was spent. A second release changes nothing."""
    _end(session, reservation_id, "released", money.ZERO)


def settle_left_over(session: Session, run_id: str) -> Decimal:
    """Book what a run that has ended still holds as spent: its calls were cut off and may well be billed.

    Returns the dollars booked.
    """
    total = money.ZERO
    left = session.execute(
        select(Reservation.id, Reservation.amount_usd).where(Reservation.run_id == run_id, Reservation.state == "held")
    ).all()
    for reservation_id, amount in left:
        _end(session, reservation_id, "settled", amount)
        total += amount
    return total


def _end(session: Session, reservation_id: str, state: str, cost: Decimal) -> None:
    reservation = session.get(Reservation, reservation_id, populate_existing=True)
    if reservation is None:
        raise StoreError(f"There is no reservation {reservation_id}.")
    moved = session.execute(
        update(Reservation)
        .where(Reservation.id == reservation_id, Reservation.state == "held")
        .values(state=state, settled_usd=cost)
        .execution_options(synchronize_session=False)
    )
    if cast("Any", moved).rowcount != 1:
        return
    for pot in sorted(cast("list[str]", reservation.pots)):
        session.execute(
            update(SpendCounter)
            .where(SpendCounter.pot == pot)
            .values(
                held_usd=SpendCounter.held_usd - literal(reservation.amount_usd, Usd),
                spent_usd=SpendCounter.spent_usd + literal(cost, Usd),
            )
            .execution_options(synchronize_session=False)
        )
    session.expire(reservation)


def _latest(session: Session, run_id: str, step_key: str) -> Reservation | None:
    return session.scalar(
        select(Reservation)
        .where(Reservation.run_id == run_id, Reservation.step_key == step_key)
        .order_by(Reservation.created_at.desc(), Reservation.id.desc())
        .limit(1)
    )


def _number_of(reservation: Reservation) -> int:
    return int(reservation.id.rsplit("#", 1)[1])


def _ensure(session: Session, workspace_id: str, pot: str) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(SpendCounter)
        .values(pot=pot, workspace_id=workspace_id, spent_usd=money.ZERO, held_usd=money.ZERO)
        .on_conflict_do_nothing()
    )


def _hold(session: Session, pot: Pot, amount: Decimal) -> bool:
    """The one statement that decides. The row is locked by it until the transaction ends."""
    asked = literal(amount, Usd)
    statement = update(SpendCounter).where(SpendCounter.pot == pot.name)
    if pot.cap_usd is not None:
        cap = literal(pot.cap_usd, Usd)
        fits = SpendCounter.spent_usd + SpendCounter.held_usd + asked <= cap
        is_alone = and_(SpendCounter.held_usd == literal(money.ZERO, Usd), SpendCounter.spent_usd < cap)
        statement = statement.where(or_(fits, is_alone))
    done = session.execute(
        statement.values(held_usd=SpendCounter.held_usd + asked).execution_options(synchronize_session=False)
    )
    return cast("Any", done).rowcount == 1


def _release_hold(session: Session, held: Reservation) -> None:
    for pot in sorted(cast("list[str]", held.pots)):
        session.execute(
            update(SpendCounter)
            .where(SpendCounter.pot == pot)
            .values(held_usd=SpendCounter.held_usd - literal(held.amount_usd, Usd))
            .execution_options(synchronize_session=False)
        )


def _refusal(session: Session, pot: Pot, amount: Decimal) -> BudgetExceeded:
    counter = session.get(SpendCounter, pot.name, populate_existing=True)
    spent, held = (counter.spent_usd, counter.held_usd) if counter else (money.ZERO, money.ZERO)
    facts = {"cap_usd": pot.cap_usd, "spent_usd": spent, "held_usd": held, "asked_usd": amount}
    shown = {name: money.as_text(value) for name, value in facts.items()}
    under_way = f", ${shown['held_usd']} is held for calls under way" if held else ""
    return BudgetExceeded(
        f"{pot.words} is ${shown['cap_usd']}. ${shown['spent_usd']} is spent{under_way}, "
        f"and the next call could cost ${shown['asked_usd']}. {pot.remedy}",
        extra={"pot": pot.name, **shown},
        code=f"{pot.kind}_budget_exceeded",
    )
