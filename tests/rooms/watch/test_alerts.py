"""Streaks and alerts: one open alert per key, however often and by however many it is raised."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest

from signoff.agents.actions import create_agent
from signoff.kit import clock, ids
from signoff.kit.errors import NotAllowed, NotFound, NotNow
from signoff.people.access import system
from signoff.people.roles import FLOOR
from signoff.tables.agents import AgentGrant
from signoff.tables.session import Store
from signoff.watch.actions import raise_alert, resolve_alert, resolve_by_key
from signoff.watch.objectives.queries import objectives
from signoff.watch.queries import alerts_page, open_alert_count, open_alerts
from signoff.watch.streaks import note_failure, note_success
from tests.rooms.kit_workspace import Rows, make_rows


def _fail(store: Store, rows: Rows, key: str = "provider:openai") -> int:
    with store.write() as session:
        return note_failure(session, rows.workspace_id, key, kind="provider_failing", text="It fails.")


def test_the_third_failure_in_a_row_raises_one_alert(store: Store) -> None:
    rows = make_rows(store)
    alice = rows.member()
    for number in range(1, 6):
        assert _fail(store, rows) == number
        with store.read() as session:
            assert open_alert_count(session, alice) == (1 if number >= 3 else 0)
    with store.read() as session:
        (alert,) = open_alerts(session, alice)
    assert (alert.occurrences, alert.detail["failures"], alert.kind) == (3, 5, "provider_failing")


def test_a_success_ends_the_streak_and_resolves_the_alert(store: Store) -> None:
    rows = make_rows(store)
    for _ in range(2):
        _fail(store, rows)
    with store.write() as session:
        note_success(session, rows.workspace_id, "provider:openai")
    assert _fail(store, rows) == 1
    for _ in range(3):
        _fail(store, rows)
    with store.write() as session:
        note_success(session, rows.workspace_id, "provider:openai")
        note_success(session, rows.workspace_id, "provider:never-failed")
        assert open_alerts(session, rows.member()) == []
        (alert,) = alerts_page(session, rows.member()).rows
        assert alert.resolved_by_name == "Signoff"


def test_streaks_are_of_one_workspace_and_one_key(store: Store) -> None:
    rows, others = make_rows(store), make_rows(store)
    for _ in range(3):
        _fail(store, rows)
    assert _fail(store, others) == 1
    assert _fail(store, rows, "provider:google") == 1
    with store.read() as session:
        assert open_alerts(session, others.member()) == []


def test_raised_by_many_at_once_there_is_one(store: Store) -> None:
    rows = make_rows(store)

    def raise_one(number: int) -> str:
        with store.write() as session:
            return raise_alert(session, rows.workspace_id, key="k", kind="x", text=f"number {number}")

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(raise_one, range(24)))
    assert len(found) == 1
    with store.read() as session:
        (alert,) = open_alerts(session, rows.member())
        assert alert.occurrences == 24


def test_a_resolved_alert_may_open_again(store: Store) -> None:
    rows = make_rows(store)
    alice = rows.member()
    with store.write() as session:
        first = raise_alert(session, rows.workspace_id, key="k", kind="x", text="t\x00")
        resolve_alert(session, alice, first)
        with pytest.raises(NotNow, match="Alice"):
            resolve_alert(session, alice, first)
        assert raise_alert(session, rows.workspace_id, key="k", kind="x", text="t") != first
        assert resolve_by_key(session, rows.workspace_id, "k") is True
        assert resolve_by_key(session, rows.workspace_id, "k") is False
        assert len(alerts_page(session, alice, size=1).rows) == 1
        assert alerts_page(session, alice, size=1).next_cursor is not None


def test_who_may_resolve_and_see(store: Store) -> None:
    rows, others = make_rows(store), make_rows(store)
    with store.write() as session:
        alert = raise_alert(session, rows.workspace_id, key="k", kind="x", text="t")
        with pytest.raises(NotAllowed):
            resolve_alert(session, rows.member("builder"), alert)
        with pytest.raises(NotFound):
            resolve_alert(session, others.member(), alert)
        assert alerts_page(session, others.member()).rows == []


def test_alerts_about_one_agent_are_told_apart(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each in a millisecond of its own: those of one come in any order.
    milliseconds = itertools.count(time.time_ns(), 1_000_000)
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: next(milliseconds)))
    rows = make_rows(store)
    alice = rows.member()
    with store.write() as session:
        mine = create_agent(session, system(rows.workspace_id), slug="mine", name="Mine")
        create_agent(session, system(rows.workspace_id), slug="other", name="Other")
        for number in range(3):
            raise_alert(session, rows.workspace_id, key=f"m{number}", kind="test", text="Mine.", agent_id=mine)
        raise_alert(session, rows.workspace_id, key="nobodys", kind="test", text="Nobody's.")
    with store.write() as session:
        resolve_by_key(session, rows.workspace_id, "m0")
    with store.read() as session:
        assert [(one.text, one.agent) for one in open_alerts(session, alice)] == [
            ("Nobody's.", None), ("Mine.", "mine"), ("Mine.", "mine"),
        ]  # fmt: skip
        assert [one.key for one in open_alerts(session, alice, agent="mine")] == ["m2", "m1"]
        first = alerts_page(session, alice, agent=mine, size=2)
        rest = alerts_page(session, alice, agent=mine, size=2, cursor=first.next_cursor)
        assert [[one.key for one in page.rows] for page in (first, rest)] == [["m2", "m1"], [None]]
        assert alerts_page(session, alice, agent="other").rows == []
        with pytest.raises(NotFound):
            open_alerts(session, alice, agent="nobody")
        stranger = make_rows(store).member()
        with pytest.raises(NotFound):
            alerts_page(session, stranger, agent=mine)


def test_a_level_on_one_agent_shows_the_alerts_of_that_agent_alone(store: Store) -> None:
    rows = make_rows(store)
    with store.write() as session:
        mine = create_agent(session, system(rows.workspace_id), slug="mine", name="Mine")
        other = create_agent(session, system(rows.workspace_id), slug="other", name="Other")
        raise_alert(session, rows.workspace_id, key="m", kind="test", text="Mine.", agent_id=mine)
        raise_alert(session, rows.workspace_id, key="o", kind="test", text="Other.", agent_id=other)
        raise_alert(session, rows.workspace_id, key="w", kind="test", text="Nobody's.")
    bare = replace(rows.member(), id="mem_bob", role="floor", permissions=FLOOR)
    with store.write() as session:
        grant = AgentGrant(
            id="grt_1", workspace_id=rows.workspace_id, agent_id=mine, holder_kind="member", holder_id="mem_bob",
            level="viewer", granted_by=rows.member().id, granted_by_name="Alice", granted_at=clock.now(),
        )  # fmt: skip
        session.add(grant)
    bob = replace(bare, grants={mine: frozenset(("viewer",))})
    with store.read() as session:
        assert [one.key for one in open_alerts(session, bob)] == ["m"]
        assert [one.key for one in alerts_page(session, bob).rows] == ["m"]
        assert open_alert_count(session, bob) == 1
        assert open_alert_count(session, rows.member()) == 3
        with pytest.raises(NotAllowed):
            open_alerts(session, bare)
        with pytest.raises(NotAllowed):
            objectives(session, bob)
