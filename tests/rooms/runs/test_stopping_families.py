"""An order to stop is done when what other agents did for the stopped runs has ended, too; the time is that of all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from signoff.kit import clock
from signoff.runs import actions
from signoff.runs.actions.children import end_children
from signoff.runs.filters import RunFilter
from signoff.runs.stops import StopFacts, stop_order
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.kit_engine import House, agent, house
from tests.rooms.runs.kit_runs import put, revision_of, run_row

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
Order = Callable[..., str]


@pytest.fixture
def at(store: Store) -> House:
    return house(store, "nothing")


def deep(store: Store, at: House) -> list[Run]:
    """Three runs, each of which waits for the next, of another agent."""
    other, revision = agent(store, at, "nothing", slug="orders"), revision_of(store, at)
    first = run_row(at, 1, revision_id=revision, state="waiting", waiting_for="sub_agent", child_runs=1)
    made = [first]
    for depth in (1, 2):
        made.append(
            run_row(
                at, 1 + depth, revision_id=revision, agent_id=other, state="waiting", parent_run_id=made[-1].id,
                root_run_id=first.id, depth=depth, child_runs=2 - depth, waiting_for="sub_agent",
            )
        )  # fmt: skip
    return put(store, *made)


def finished(store: Store, at: House, order: str) -> StopFacts:
    with store.write() as session:
        while actions.stop_some(session, order):
            pass
        actions.finish_stop(session, order)
    with store.read() as session:
        return stop_order(session, at.who, order)


def of_the_agent(store: Store, at: House) -> str:
    with store.write() as session:
        return actions.stop_agent(session, at.who, at.agent_id, reason="enough")


def of_what_waits(store: Store, at: House) -> str:
    with store.write() as session:
        wanted = RunFilter(agent="clerk", states=("waiting",))
        return actions.cancel_matching(session, at.who, wanted, reason="enough")


@pytest.mark.parametrize("ordered", [of_the_agent, of_what_waits])
def test_it_is_done_when_the_last_of_the_family_has_ended(
    store: Store, at: House, monkeypatch: pytest.MonkeyPatch, ordered: Order
):
    _, child, grandchild = deep(store, at)
    now = [BEGAN]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    order = ordered(store, at)
    assert finished(store, at, order).state == "ending"
    for number, parent in enumerate((child.parent_run_id, child.id), 1):
        now[0] = BEGAN + timedelta(seconds=2 * number)
        with store.write() as session:
            assert end_children(session, str(parent)) == 1
        if number == 1:
            assert finished(store, at, order).state == "ending"
    with store.read() as session:
        assert session.get_one(Run, grandchild.id).ended_at == BEGAN + timedelta(seconds=4)
    now[0] = BEGAN + timedelta(minutes=1)
    found = finished(store, at, order)
    assert (found.state, found.seconds) == ("done", 4.0)


def test_what_had_ended_before_does_not_count(store: Store, at: House, monkeypatch: pytest.MonkeyPatch):
    _, child, grandchild = deep(store, at)
    with store.write() as session:
        early = {"state": "completed", "ended_at": BEGAN - timedelta(hours=1)}
        session.execute(update(Run).where(Run.id.in_((child.id, grandchild.id))).values(**early))
    monkeypatch.setattr(clock, "now", lambda: BEGAN)
    found = finished(store, at, of_the_agent(store, at))
    assert (found.state, found.seconds) == ("done", 0.0)
