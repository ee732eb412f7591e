"""Objectives as data: what counts, when a budget burns too fast, and when its alert is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.kit import clock
from signoff.people.access import system
from signoff.tables.runs import Run
from signoff.tables.session import Store
from signoff.tables.watch import Alert
from signoff.watch.objectives.burning import watch_objectives
from signoff.watch.objectives.counting import Tally
from signoff.watch.objectives.promises import promises, window_name
from signoff.watch.objectives.queries import burn_rates, objectives
from tests.engine.kit_engine import House, house
from tests.rooms.runs.kit_runs import put, revision_of, run_row


def ended(
    store: Store, at: House, number: int, *, minutes_ago: float, waited: float = 1, first: int = 0, **more: Any
) -> None:
    """Runs that ended then, having waited so many seconds before they began."""
    end = clock.now() - timedelta(minutes=minutes_ago)
    created = end - timedelta(seconds=waited + 10)
    values = {"state": "completed", "revision_id": revision_of(store, at), "ended_at": end, **more}
    put(
        store,
        *(
            run_row(at, first + n, moment=created, started_at=created + timedelta(seconds=waited), **values)
            for n in range(number)
        ),
    )


def look(store: Store) -> int:
    with store.write() as session:
        return watch_objectives(session)


def open_keys(store: Store) -> dict[str, str]:
    with store.read() as session:
        rows = session.scalars(select(Alert).where(Alert.open_key.is_not(None), Alert.kind == "slo_burning")).all()
    return {row.open_key or "": row.text for row in rows}


def test_a_budget_that_burns_in_both_windows_alerts_once_and_is_resolved_when_it_is_over(store: Store) -> None:
    at = house(store, "unused")
    ended(store, at, 90, minutes_ago=2)
    ended(store, at, 10, minutes_ago=2, first=90, state="failed", code="engine_fault")
    assert look(store) == 2  # 10 % bad of 0.5 %: 20 times too fast, over an hour and over six.
    assert look(store) == 0
    told = open_keys(store)
    assert sorted(told) == ["slo:runs_without_fault:fast", "slo:runs_without_fault:slow"]
    assert "10 of 100 did not within 1h, 20.0 times what 99.5% allows" in told["slo:runs_without_fault:fast"]
    with store.write() as session:  # Ten minutes later nothing more has failed.
        session.execute(update(Run).values(ended_at=clock.now() - timedelta(minutes=12)))
    look(store)
    assert sorted(open_keys(store)) == ["slo:runs_without_fault:slow"]


@pytest.mark.parametrize(
    "values",
    [
        {"state": "failed", "code": "budget_exceeded"},
        {"state": "cancelled", "code": "cancelled"},
        {"state": "failed", "code": "engine_fault", "origin": "test"},
        {"state": "failed", "code": "engine_fault", "mode": "sandbox"},
    ],
)
def test_what_has_an_explanation_or_is_no_real_work_burns_nothing(store: Store, values: dict[str, Any]) -> None:
    at = house(store, "unused")
    ended(store, at, 10, minutes_ago=2)
    ended(store, at, 20, minutes_ago=2, first=10, **values)
    assert look(store) == 0


def test_few_runs_are_no_trend_and_old_ones_no_alert(store: Store) -> None:
    at = house(store, "unused")
    ended(store, at, 9, minutes_ago=2, state="failed", code="engine_fault")
    ended(store, at, 50, minutes_ago=400, first=10, state="failed", code="engine_fault")
    assert look(store) == 0


def test_runs_that_waited_for_long_burn_the_promise_to_begin_soon(store: Store) -> None:
    at, other = house(store, "unused"), house(store, "unused", slug="other")
    ended(store, at, 10, minutes_ago=1, waited=61)
    ended(store, at, 10, minutes_ago=1, waited=59, first=10)
    ended(store, other, 20, minutes_ago=1, first=30)
    assert look(store) == 2
    assert sorted(open_keys(store)) == ["slo:runs_begin_soon:fast", "slo:runs_begin_soon:slow"]
    with store.read() as session:
        mine = {each.name: each for each in objectives(session, system(at.workspace_id))}
        theirs = {each.name: each for each in objectives(session, system(other.workspace_id))}
        everybody = burn_rates(session)
    soon = mine["runs_begin_soon"]
    assert (soon.events, soon.bad, soon.attained, soon.burn_rates["1h"]) == (20, 10, 0.5, 50.0)
    assert soon.budget_left == -49
    assert (theirs["runs_begin_soon"].attained, theirs["runs_begin_soon"].budget_left) == (1.0, 1.0)
    assert everybody["runs_begin_soon"]["5m"] == 25.0
    assert mine["requests_answered"].measured_in == "prometheus"
    assert mine["requests_answered"].attained is None


def test_the_burn_rates_use_the_share_of_the_budget_that_their_source_says() -> None:
    by_name = {burn.name: burn for burn in promises().burn}
    hours = 30 * 24
    assert by_name["fast"].factor * (by_name["fast"].long_minutes / 60) / hours == pytest.approx(0.02)
    assert by_name["slow"].factor * (by_name["slow"].long_minutes / 60) / hours == pytest.approx(0.05)
    assert all(burn.short_minutes * 12 == burn.long_minutes for burn in promises().burn)
    assert [window_name(minutes) for minutes in promises().windows] == ["5m", "30m", "1h", "6h"]
    assert Tally(0, 0).burn_rate(0.01) == 0
