"""The statements that move money, built once: they run with every model call, and building one costs as much as
running it."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table, and_, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from signoff.kit import money
from signoff.tables.base import Json, Moment, Usd
from signoff.tables.limits import Reservation, SpendCounter
from signoff.tables.prepared import Prepared

_counters = cast("Table", SpendCounter.__table__).c
_reservations = cast("Table", Reservation.__table__).c
_asked = bindparam("asked", type_=Usd)
_cap = bindparam("cap", type_=Usd)
_zero = bindparam("zero", money.ZERO, type_=Usd)

_hold = (
    update(_counters.pot.table).where(_counters.pot == bindparam("of_pot")).values(held_usd=_counters.held_usd + _asked)
)
HOLD = Prepared(_hold)
# Under the cap; or alone in the pot, while any money is left in it.
HOLD_UNDER_CAP = Prepared(
    _hold.where(
        or_(
            _counters.spent_usd + _counters.held_usd + _asked <= _cap,
            and_(_counters.held_usd == _zero, _counters.spent_usd < _cap),
        )
    )
)
CHANGE = Prepared(
    update(_counters.pot.table)
    .where(_counters.pot == bindparam("of_pot"))
    .values(
        held_usd=_counters.held_usd + bindparam("held", type_=Usd),
        spent_usd=_counters.spent_usd + bindparam("spent", type_=Usd),
    )
)
OPEN_POT = Prepared(
    {
        "postgresql": postgresql.insert(_counters.pot.table).on_conflict_do_nothing(),
        "sqlite": sqlite.insert(_counters.pot.table).on_conflict_do_nothing(),
    }
)

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
# A call is counted in three pots at most.
SPENT_FEW = Prepared(
    select(_counters.pot, _counters.spent_usd, _counters.held_usd).where(
        or_(*(_counters.pot == bindparam(name) for name in ("of_pot_1", "of_pot_2", "of_pot_3")))
    )
)
SPENT = select(_counters.pot, _counters.spent_usd, _counters.held_usd).where(
    _counters.pot.in_(bindparam("of_pots", expanding=True))
)
