"""The store's manners: one commit, exact money, moments with a zone, patience while the database is away."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from signoff.kit import clock
from signoff.tables.limits import SpendCounter
from signoff.tables.people import Workspace
from signoff.tables.session import Store, after_commit, through_outage


def _workspace(name: str = "a") -> Workspace:
    return Workspace(id=f"ws_{name}", slug=name, name=name, created_at=clock.now())


def test_a_write_commits_once_at_its_end(store: Store) -> None:
    told: list[str] = []
    with store.write() as session:
        session.add(_workspace())
        after_commit(session, lambda: told.append("durable"))
        assert told == []
    assert told == ["durable"]
    with store.read() as session:
        assert session.get(Workspace, "ws_a") is not None


def test_money_is_compared_and_summed_exactly_in_sql(store: Store) -> None:
    with store.write() as session:
        session.add(_workspace())
        session.flush()
        for n in range(10):
            session.add(SpendCounter(pot=f"p{n}", workspace_id="ws_a", spent_usd=Decimal("0.1"), held_usd=Decimal(0)))
    with store.write() as session:
        assert session.scalar(select(func.sum(SpendCounter.spent_usd))) == Decimal(1)
        changed = session.execute(
            update(SpendCounter)
            .where(SpendCounter.spent_usd + SpendCounter.held_usd + Decimal("0.2") <= Decimal("0.3"))
            .values(held_usd=SpendCounter.held_usd + Decimal("0.2"))
        )
        assert changed.rowcount == 10  # pyright: ignore[reportAttributeAccessIssue]
    with store.read() as session:
        assert set(session.scalars(select(SpendCounter.held_usd))) == {Decimal("0.2")}


def test_a_moment_keeps_its_instant(store: Store) -> None:
    east = datetime(2026, 3, 29, 3, 30, tzinfo=timezone(timedelta(hours=2)))
    with store.write() as session:
        session.add(Workspace(id="ws_a", slug="a", name="a", created_at=east))
    with store.read() as session:
        found = session.get_one(Workspace, "ws_a").created_at
    assert found == east
    assert found.tzinfo is UTC


def test_writers_queue_and_none_is_lost(store: Store) -> None:
    with store.write() as session:
        session.add(_workspace())
        session.flush()
        session.add(SpendCounter(pot="p", workspace_id="ws_a", spent_usd=Decimal(0), held_usd=Decimal(0)))

    def add(_: int) -> None:
        with store.write() as session:
            session.execute(update(SpendCounter).values(spent_usd=SpendCounter.spent_usd + Decimal("0.01")))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(100)))
    with store.read() as session:
        assert session.get_one(SpendCounter, "p").spent_usd == Decimal(1)


def test_a_broken_rule_is_not_tried_again(store: Store) -> None:
    calls: list[int] = []

    def twice() -> None:
        calls.append(1)
        with store.write() as session:
            session.add(_workspace("x"))
        with store.write() as session:
            session.add(_workspace("x"))

    with pytest.raises(IntegrityError):
        through_outage(twice)
    assert len(calls) == 1


def test_an_outage_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Event, "wait", lambda self, timeout=None: False)
    answers = iter([True, True, False])

    def work() -> str:
        if next(answers):
            raise OperationalError("select 1", {}, sqlite3.OperationalError("database is locked"))
        return "done"

    assert through_outage(work) == "done"


@pytest.mark.anyio
async def test_async_code_reads_and_writes_through_threads(store: Store) -> None:
    await store.write_async(lambda session: session.add(_workspace()))
    assert await store.read_async(lambda session: session.scalar(select(Workspace.name))) == "a"
