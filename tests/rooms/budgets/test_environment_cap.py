"""An environment's daily cap holds before a call, beside the workspace's, however many call at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from signoff.budgets import actions as budgets
from signoff.budgets.caps import set_environment_cap
from signoff.budgets.queries import today_by_environment
from signoff.budgets.states import day_pot, environment_pot
from signoff.kit import clock
from signoff.kit.errors import BudgetExceeded, Malformed, NotFound
from signoff.people.access import system
from signoff.people.actions import create_environment
from signoff.people.queries import environment_by_slug
from signoff.tables.session import Store
from tests.rooms.kit_workspace import Rows, make_rows


@pytest.fixture
def acme(store: Store) -> Rows:
    """A workspace with a run, and an environment more, `capped`, that may spend fifty cents a day."""
    rows = make_rows(store)
    with store.write() as session:
        create_environment(session, system(rows.workspace_id), slug="capped", name="Capped")
        create_environment(session, system(rows.workspace_id), slug="free", name="Free")
        set_environment_cap(session, system(rows.workspace_id), "capped", cap_usd=Decimal("0.50"))
    return rows


def place_of(store: Store, rows: Rows, slug: str) -> str:
    with store.read() as session:
        return environment_by_slug(session, system(rows.workspace_id), slug).id


def hold(store: Store, acme: Rows, place: str, step: str) -> str:
    """Reserve ten cents for a call in an environment; return "" or why there was no room."""
    at = {"time_zone": "UTC", "now": clock.now()}
    cap = Decimal("0.50") if place == "capped" else None
    pots = (
        day_pot(acme.workspace_id, Decimal(100), **at),
        environment_pot(place_of(store, acme, place), cap, name=place, **at),
    )
    asked = {"workspace_id": acme.workspace_id, "run_id": acme.run_id, "step_key": step, "amount": Decimal("0.10")}
    try:
        with store.write() as session:
            budgets.reserve(session, **asked, pots=pots)
    except BudgetExceeded as refusal:
        return f"{refusal.code}: {refusal.detail}"
    return ""


def test_of_twenty_at_once_exactly_those_that_fit_get_room_and_the_neighbour_is_not_touched(
    store: Store, acme: Rows
) -> None:
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda number: hold(store, acme, "capped", f"step{number}"), range(20)))
    refused = [why for why in got if why]
    assert len(refused) == 15
    start = "environment_budget_exceeded: The most the environment capped may spend in a day is $0.5"
    assert all(why.startswith(start) for why in refused)
    assert hold(store, acme, "free", "other") == ""
    with store.read() as session:
        spends = today_by_environment(session, system(acme.workspace_id))
    capped, free = (spends[place_of(store, acme, slug)] for slug in ("capped", "free"))
    assert (capped.held_usd, capped.cap_usd) == (Decimal("0.5"), Decimal("0.50"))
    assert (free.held_usd, free.cap_usd) == (Decimal("0.1"), None)


def test_a_cap_that_makes_no_sense_is_refused(store: Store, acme: Rows) -> None:
    caller = system(acme.workspace_id)
    for cap in (Decimal(-1), Decimal("nan"), Decimal(10_000_000)):
        with pytest.raises(Malformed), store.write() as session:
            set_environment_cap(session, caller, "capped", cap_usd=cap)
    with pytest.raises(NotFound), store.write() as session:
        set_environment_cap(session, caller, "nowhere", cap_usd=None)
