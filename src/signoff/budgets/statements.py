"""The statements that move money, built once: they run with every model call, and building one costs as much as
running it."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table, and_, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from signoff.kit import money
from signoff.tables.base import Usd
from signoff.tables.limits import Reservation, SpendCounter

_counters = cast("Table", SpendCounter.__table__).c
_reservations = cast("Table", Reservation.__table__).c
_asked = bindparam("asked", type_=Usd)
_cap = bindparam("cap", type_=Usd)
_zero = bindparam("zero", money.ZERO, type_=Usd)

HOLD = (
    update(_counters.pot.table).where(_counters.pot == bindparam("of_pot")).values(held_usd=_counters.held_usd + _asked)
)
# Under the cap; or alone in the pot, while any money is left in it.
HOLD_UNDER_CAP = HOLD.where(
    or_(
        _counters.spent_usd + _counters.held_usd + _asked <= _cap,
        and_(_counters.held_usd == _zero, _counters.spent_usd < _cap),
    )
)
CHANGE = (
    update(_counters.pot.table)
    .where(_counters.pot == bindparam("of_pot"))
    .values(
        held_usd=_counters.held_usd + bindparam("held", type_=Usd),
        spent_usd=_counters.spent_usd + bindparam("spent", type_=Usd),
    )
)
OPEN_POT = {
    "postgresql": postgresql.insert(_counters.pot.table).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(_counters.pot.table).on_conflict_do_nothing(),
}

LATEST = (
    select(_reservations.id, _reservations.state, _reservations.pots, _reservations.amount_usd)
    .where(_reservations.run_id == bindparam("of_run"), _reservations.step_key == bindparam("of_step"))
    .order_by(_reservations.created_at.desc(), _reservations.id.desc())
    .limit(1)
)
RESERVE = insert(_reservations.id.table)
TAKE_OVER = (
    update(_reservations.id.table)
    .where(_reservations.id == bindparam("of_id"))
    .values(pots=bindparam("pots"), amount_usd=bindparam("amount_usd"), created_at=bindparam("created_at"))
)
END = (
    update(_reservations.id.table)
    .where(_reservations.id == bindparam("of_id"), _reservations.state == "held")
    .values(state=bindparam("to_state"), settled_usd=bindparam("cost", type_=Usd))
    .returning(_reservations.pots, _reservations.amount_usd)
)
HELD = select(_reservations.id, _reservations.amount_usd).where(
    _reservations.run_id == bindparam("of_run"), _reservations.state == "held"
)
SPENT = select(_counters.pot, _counters.spent_usd, _counters.held_usd).where(
    _counters.pot.in_(bindparam("of_pots", expanding=True))
)
