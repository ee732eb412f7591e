"""Many pots at once: all of them hold, or none does, however many there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from signoff.budgets.counters import change_counters, hold_in_all
from signoff.budgets.queries import spent_in
from signoff.budgets.states import Pot
from signoff.tables.session import Store
from tests.kit_locks import until_somebody_waits
from tests.rooms.kit_workspace import Rows, make_rows

CENT, NOTHING = Decimal("0.01"), Decimal(0)


@pytest.fixture
def rows(store: Store) -> Rows:
    return make_rows(store)


def _pots(number: int, cap: str | None = None) -> list[Pot]:
    most = Decimal(cap) if cap is not None else None
    return [Pot(f"run:x{each:03}", "run", most, "The most this may cost", "Raise it.") for each in range(number)]


def _hold(store: Store, rows: Rows, pots: list[Pot], amount: Decimal = CENT) -> Pot | None:
    with store.write() as session:
        return hold_in_all(session, rows.workspace_id, pots, amount)


def _counted(store: Store, pots: list[Pot]) -> set[tuple[Decimal, Decimal]]:
    with store.read() as session:
        return {(one.spent_usd, one.held_usd) for one in spent_in(session, [pot.name for pot in pots])}


@pytest.mark.parametrize("number", [1, 4, 5, 20, 43])
def test_every_pot_holds_and_is_settled_once(store: Store, rows: Rows, number: int) -> None:
    pots = _pots(number, cap="1")
    assert _hold(store, rows, pots) is None
    assert _hold(store, rows, pots) is None
    assert _counted(store, pots) == {(NOTHING, 2 * CENT)}
    with store.write() as session:
        change_counters(session, [pot.name for pot in pots], held=-CENT, spent=CENT)
    assert _counted(store, pots) == {(CENT, CENT)}


@pytest.mark.parametrize("number", [2, 7, 43])
def test_one_full_pot_is_named_and_nothing_is_held_in_the_others(store: Store, rows: Rows, number: int) -> None:
    pots = _pots(number)
    full = Pot(pots[-1].name, "run", NOTHING, "The most this may cost", "Raise it.")
    assert _hold(store, rows, [*pots[:-1], full]) == full
    assert _counted(store, pots) == {(NOTHING, NOTHING)}


def test_of_many_at_once_that_name_the_pots_in_any_order_each_is_counted(store: Store, rows: Rows) -> None:
    pots = _pots(6)

    def one(number: int) -> Pot | None:
        return _hold(store, rows, pots if number % 2 else pots[::-1])

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(one, range(40))) == [None] * 40
    assert _counted(store, pots) == {(NOTHING, 40 * CENT)}


def test_who_waits_for_a_pot_that_somebody_makes_keeps_no_other_from_them(store: Store, rows: Rows) -> None:
    there, new = _pots(2)
    assert _hold(store, rows, [there]) is None
    with ThreadPoolExecutor(1) as threads:
        with store.write() as session:
            assert hold_in_all(session, rows.workspace_id, [new], CENT) is None
            other = threads.submit(_hold, store, rows, [there, new])
            until_somebody_waits(store)
            assert hold_in_all(session, rows.workspace_id, [there], CENT) is None
        assert other.result() is None
    assert _counted(store, [there, new]) == {(NOTHING, 3 * CENT), (NOTHING, 2 * CENT)}
