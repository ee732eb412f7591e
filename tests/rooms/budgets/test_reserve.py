"""Reserving, settling, releasing: exact whatever happens at once, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from signoff.budgets.actions import release, reserve, settle, settle_left_over
from signoff.budgets.queries import spent
from signoff.budgets.states import Pot
from signoff.kit.errors import BudgetExceeded, StoreError
from signoff.tables.limits import Reservation
from signoff.tables.session import Store
from tests.rooms.kit_workspace import Rows, make_rows

CENT = Decimal("0.01")


@pytest.fixture
def rows(store: Store) -> Rows:
    return make_rows(store)


def _pot(name: str = "run:x", cap: str | None = "0.10") -> Pot:
    return Pot(name, "run", Decimal(cap) if cap is not None else None, "The most this may cost", "Raise it.")


def _reserve(store: Store, rows: Rows, key: str, amount: Decimal, *pots: Pot) -> str:
    with store.write() as session:
        return reserve(
            session, workspace_id=rows.workspace_id, run_id=rows.run_id, step_key=key, amount=amount, pots=pots
        )


def _spent(store: Store, pot: str = "run:x") -> tuple[Decimal, Decimal]:
    with store.read() as session:
        found = spent(session, pot)
        return found.spent_usd, found.held_usd


def test_a_hold_becomes_what_was_spent(store: Store, rows: Rows) -> None:
    held = _reserve(store, rows, "m:1:1", CENT, _pot())
    assert _spent(store) == (0, CENT)
    with store.write() as session:
        settle(session, held, Decimal("0.004"))
        settle(session, held, Decimal("0.004"))
        release(session, held)
    assert _spent(store) == (Decimal("0.004"), 0)


def test_a_released_hold_costs_nothing(store: Store, rows: Rows) -> None:
    held = _reserve(store, rows, "m:1:1", CENT, _pot())
    with store.write() as session:
        release(session, held)
    assert _spent(store) == (0, 0)


def test_what_does_not_fit_is_refused_with_its_numbers(store: Store, rows: Rows) -> None:
    _reserve(store, rows, "m:1:1", CENT * 6, _pot())
    with pytest.raises(BudgetExceeded) as refused:
        _reserve(store, rows, "m:1:2", CENT * 6, _pot())
    assert refused.value.extra == {
        "pot": "run:x", "cap_usd": "0.1", "spent_usd": "0", "held_usd": "0.06", "asked_usd": "0.06",
    }  # fmt: skip
    assert refused.value.code == "run_budget_exceeded"
    assert "Raise it." in refused.value.detail
    assert _spent(store) == (0, CENT * 6)


def test_a_call_alone_may_go_while_any_money_is_left_and_none_after(store: Store, rows: Rows) -> None:
    first = _reserve(store, rows, "m:1:1", Decimal(1), _pot())
    with pytest.raises(BudgetExceeded):
        _reserve(store, rows, "m:1:2", CENT, _pot())
    with store.write() as session:
        settle(session, first, CENT)
    second = _reserve(store, rows, "m:1:3", Decimal(1), _pot())
    with store.write() as session:
        settle(session, second, Decimal(1))
    with pytest.raises(BudgetExceeded):
        _reserve(store, rows, "m:1:4", Decimal("0.000000001"), _pot())


def test_nothing_is_held_anywhere_when_one_pot_refuses(store: Store, rows: Rows) -> None:
    with store.write() as session:
        for _ in range(2):
            with pytest.raises(BudgetExceeded):
                reserve(
                    session, workspace_id=rows.workspace_id, run_id=rows.run_id, step_key="m:1:1", amount=CENT,
                    pots=[_pot("a", "1"), _pot("b", "0")],
                )  # fmt: skip
    assert _spent(store, "a") == (0, 0)
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Reservation)) == 0


def test_a_call_that_costs_nothing_fits_in_an_empty_pot(store: Store, rows: Rows) -> None:
    held = _reserve(store, rows, "m:1:1", Decimal(0), _pot(cap="0"))
    with store.read() as session:
        assert session.get_one(Reservation, held).state == "held"
    assert _spent(store) == (0, 0)


def test_without_a_cap_everything_fits(store: Store, rows: Rows) -> None:
    for number in range(3):
        _reserve(store, rows, f"m:1:{number}", Decimal(1_000), _pot(cap=None))
    assert _spent(store) == (0, 3_000)


def test_the_same_step_takes_over_its_own_hold(store: Store, rows: Rows) -> None:
    first = _reserve(store, rows, "m:1:1", CENT * 6, _pot())
    assert _reserve(store, rows, "m:1:1", CENT * 7, _pot()) == first
    assert _spent(store) == (0, CENT * 7)
    with store.write() as session:
        settle(session, first, CENT)
    assert _reserve(store, rows, "m:1:1", CENT, _pot()) != first
    assert _spent(store) == (CENT, CENT)


def test_what_a_run_left_behind_is_booked(store: Store, rows: Rows) -> None:
    for number in range(2):
        _reserve(store, rows, f"m:1:{number}", CENT, _pot())
    with store.write() as session:
        assert settle_left_over(session, rows.run_id) == CENT * 2
        assert settle_left_over(session, rows.run_id) == 0
    assert _spent(store) == (CENT * 2, 0)


def test_a_reservation_that_is_not_there(store: Store) -> None:
    with store.write() as session, pytest.raises(StoreError):
        settle(session, "nothing", CENT)


def test_ten_threads_race_for_the_last_cents(store: Store, rows: Rows) -> None:
    """Each holds a cent, spends a cent, and goes on until there is nothing left. Two pots, in either order."""
    run, day = _pot("run:x", None), _pot("day:x", "0.30")
    barrier = threading.Barrier(10)
    taken: list[int] = []

    def spend_all(number: int) -> None:
        barrier.wait()
        for turn in range(100):
            pots = (run, day) if number % 2 else (day, run)
            try:
                held = _reserve(store, rows, f"m:{number}:{turn}", CENT, *pots)
            except BudgetExceeded:
                return
            with store.write() as session:
                settle(session, held, CENT)
            taken.append(number)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(spend_all, range(10)))
    assert len(taken) == 30
    assert _spent(store, "day:x") == _spent(store, "run:x") == (Decimal("0.30"), 0)


def test_calls_dearer_than_thought_pass_the_cap_by_one_call_at_most(store: Store, rows: Rows) -> None:
    dearer = CENT * 2
    day = _pot("day:x", "0.30")
    total: list[Decimal] = []

    def spend_all(number: int) -> None:
        for turn in range(100):
            try:
                held = _reserve(store, rows, f"m:{number}:{turn}", CENT * 2, day)
            except BudgetExceeded:
                return
            with store.write() as session:
                settle(session, held, dearer)
            total.append(dearer)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(spend_all, range(8)))
    assert sum(total) == _spent(store, "day:x")[0]
    assert sum(total) <= Decimal("0.30") + dearer


def test_two_first_calls_of_a_pot_at_once_both_fit(store: Store, rows: Rows) -> None:
    for turn in range(20):
        barrier = threading.Barrier(4)

        def first(number: int, turn: int = turn, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            return _reserve(store, rows, f"m:{turn}:{number}", CENT, _pot(f"run:{turn}", "1"))

        with ThreadPoolExecutor(4) as threads:
            assert len(set(threads.map(first, range(4)))) == 4
        assert _spent(store, f"run:{turn}") == (0, CENT * 4)
