"""The statements that move money, built once: they run with every model call, and building one costs as much as
running it."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Integer, Table, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from signoff.kit import money
from signoff.tables.base import Json, Moment, Usd
from signoff.tables.limits import Reservation, SpendCounter
from signoff.tables.prepared import Prepared
from signoff.tables.upsert import in_each

_counters = cast("Table", SpendCounter.__table__).c
_reservations = cast("Table", Reservation.__table__).c
_asked = bindparam("asked", type_=Usd)
_zero = bindparam("zero", money.ZERO, type_=Usd)
# How many pots one statement takes; of fewer, the last is named again.
SIZES = (4, 8, 20)


def _each(dialect: str, size: int, values: dict[str, Any], *, capped: bool = False) -> Any:
    """Return the update of so many pots."""

    def is_pot(number: int) -> Any:
        return _counters.pot == bindparam(f"of_pot_{number}")

    def has_room(number: int) -> Any:
        # Without a cap always; under it; or alone in the pot, while any money is left in it.
        cap = bindparam(f"cap_{number}", type_=Usd)
        return or_(
            cap.is_(None),
            _counters.spent_usd + _counters.held_usd + _asked <= cap,
            and_(_counters.held_usd == _zero, _counters.spent_usd < cap),
        )

    any_pot = or_(*(is_pot(number) for number in range(size)))
    wanted = [and_(is_pot(number), has_room(number)) if capped else is_pot(number) for number in range(size)]
    made = update(_counters.pot.table).where(or_(*wanted)).values(values)
    if dialect == "postgresql":
        # An update takes rows in any order; who counts in the same pots must find them locked in one.
        rows = select(_counters.pot).where(any_pot).order_by(_counters.pot)
        if capped:
            # Nor is one locked while another has no row yet: the row is made next, which may mean waiting for somebody
            # who makes it too and waits for this one.
            there = aliased(SpendCounter)
            number = select(func.count()).where(or_(*(there.pot == bindparam(f"of_pot_{n}") for n in range(size))))
            rows = rows.where(number.scalar_subquery() == bindparam("pots", type_=Integer))
        locked = rows.with_for_update(key_share=True).cte("locked")
        made = made.where(_counters.pot.in_(select(locked.c.pot)))
    return made.returning(_counters.pot, _counters.spent_usd, _counters.cap_usd, _counters.warn_usd,
                          _counters.workspace_id)  # fmt: skip


def _by_size(values: dict[str, Any], *, capped: bool = False) -> dict[int, Prepared]:
    return {
        size: Prepared({name: _each(name, size, values, capped=capped) for name in ("sqlite", "postgresql")})
        for size in SIZES
    }


HOLD_ALL = _by_size({"held_usd": _counters.held_usd + _asked}, capped=True)
CHANGE_ALL = _by_size(
    {
        "held_usd": _counters.held_usd + bindparam("held", type_=Usd),
        "spent_usd": _counters.spent_usd + bindparam("spent", type_=Usd),
    }
)
WARN_NEXT = Prepared(
    update(_counters.pot.table)
    .where(_counters.pot == bindparam("of_pot"))
    .values(warn_usd=bindparam("warn", type_=Usd))
)
OPEN_POT = Prepared(in_each(SpendCounter, lambda new: new.on_conflict_do_nothing()))

LATEST = Prepared(
    select(_reservations.id, _reservations.state, _reservations.pots, _reservations.amount_usd)
    .where(_reservations.run_id == bindparam("of_run"), _reservations.step_key == bindparam("of_step"))
    .order_by(_reservations.created_at.desc(), _reservations.id.desc())
    .limit(1)
)
RESERVE = Prepared(insert(_reservations.id.table))
TAKE_OVER = Prepared(
    update(_reservations.id.table)
    .where(_reservations.id == bindparam("of_id"))
    .values(
        pots=bindparam("pots", type_=Json),
        amount_usd=bindparam("amount_usd", type_=Usd),
        created_at=bindparam("created_at", type_=Moment),
    )
)
END = Prepared(
    update(_reservations.id.table)
    .where(_reservations.id == bindparam("of_id"), _reservations.state == "held")
    .values(state=bindparam("to_state"), settled_usd=bindparam("cost", type_=Usd))
    .returning(_reservations.pots, _reservations.amount_usd)
)
HELD = Prepared(
    select(_reservations.id, _reservations.step_key, _reservations.amount_usd).where(
        _reservations.run_id == bindparam("of_run"), _reservations.state == "held"
    )
)


def _spent_of(number: int) -> Prepared:
    names = [f"of_pot_{each + 1}" for each in range(number)]
    return Prepared(
        select(_counters.pot, _counters.spent_usd, _counters.held_usd).where(
            or_(*(_counters.pot == bindparam(name) for name in names))
        )
    )


# A call is counted in so many pots, seldom in more; with every limit there can be, in eighteen.
SPENT_FEW = {number: _spent_of(number) for number in (3, 6, 18)}
SPENT = select(_counters.pot, _counters.spent_usd, _counters.held_usd).where(
    _counters.pot.in_(bindparam("of_pots", expanding=True))
)
