"""The lease of a process: who is alive, who takes over, who may act."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from signoff.durable import place, presence
from signoff.durable.lease import Lease
from signoff.tables.session import open_engine

WORKFLOWS = (
    "create table {schema}workflow_status (workflow_uuid text, status text, executor_id text, owner_xid text, "
    "queue_name text, started_at_epoch_ms bigint, updated_at bigint)"
)


@dataclass
class Desk:
    """Several workers' leases on one database, none of them beating by itself."""

    engine: sa.Engine
    lost: list[str] = field(default_factory=list[str])
    leases: list[Lease] = field(default_factory=list[Lease])

    @property
    def schema(self) -> str:
        return "dbos." if self.engine.dialect.name == "postgresql" else ""

    def lease(self, worker: str) -> Lease:
        made = Lease(
            self.engine, worker=worker, ttl_seconds=1_000.0, beat_seconds=1_000.0,
            on_lost=lambda: self.lost.append(worker),
        )  # fmt: skip
        made.start()
        self.leases.append(made)
        return made

    def run(self, statement: str, **values: object) -> sa.CursorResult[tuple[object, ...]]:
        with self.engine.begin() as connection:
            return connection.execute(sa.text(statement.format(schema=self.schema)), values)

    def age(self, worker: str, seconds: float) -> None:
        self.run("update {schema}signoff_workers set beat_at = beat_at - :s where id = :w", s=seconds, w=worker)

    def workflow(self, name: str, worker: str, status: str = "PENDING") -> None:
        self.run(
            "insert into {schema}workflow_status (workflow_uuid, status, executor_id, owner_xid) "
            "values (:n, :s, :w, 'x')", n=name, s=status, w=worker,
        )  # fmt: skip

    def statuses(self) -> dict[str, str]:
        with self.engine.connect() as connection:
            rows = connection.execute(sa.text(f"select workflow_uuid, status from {self.schema}workflow_status"))
            return {row[0]: row[1] for row in rows}


@pytest.fixture
def desk(empty_url: str) -> Generator[Desk]:
    made = Desk(open_engine(empty_url))
    if made.schema:
        made.run("create schema dbos")
    made.run(WORKFLOWS)
    yield made
    for lease in made.leases:
        lease.release()
    made.engine.dispose()


def test_two_that_begin_at_once_on_a_new_database_both_begin(desk: Desk):
    other = open_engine(desk.engine.url.render_as_string(hide_password=False))
    made: list[str] = []

    @event.listens_for(desk.engine, "before_cursor_execute")
    def be_faster(*args: Any) -> None:
        if "CREATE TABLE" in args[2] and not made:
            made.append(args[2])
            with other.begin() as connection:
                connection.exec_driver_sql(args[2])

    lease = desk.lease("one")
    other.dispose()
    assert made
    assert lease.is_fresh()


def test_the_living_are_left_alone(desk: Desk):
    first, second = desk.lease("one"), desk.lease("two")
    desk.workflow("a/1", "one")
    assert second.take_over() == []
    assert first.beat()
    assert desk.statuses() == {"a/1": "PENDING"}
    assert {worker.id: worker.state for worker in first.workers()} == {"one": "live", "two": "live"}


def test_the_silent_are_taken_over_and_find_out(desk: Desk):
    first, second = desk.lease("one"), desk.lease("two")
    desk.workflow("a/1", "one")
    desk.workflow("b/1", "one", "SUCCESS")
    desk.workflow("c/1", "two")
    desk.age("one", 2_000)
    assert second.take_over() == ["one"]
    assert desk.statuses() == {"a/1": "ENQUEUED", "b/1": "SUCCESS", "c/1": "PENDING"}
    assert second.take_over() == []
    assert not first.beat()
    assert desk.lost == ["one"]


def test_a_process_that_is_gone_is_taken_over_at_once(desk: Desk):
    if not place.birth(os.getpid()):
        pytest.skip("this system does not tell when a process began")
    second = desk.lease("two")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    desk.run(
        "insert into {schema}signoff_workers (id, place, pid, born, started_at, beat_at, state) "
        "select 'killed', place, :pid, '12345', started_at, beat_at, 'live' from {schema}signoff_workers",
        pid=ended.pid,
    )
    desk.workflow("a/1", "killed")
    assert second.take_over() == ["killed"]
    assert desk.statuses() == {"a/1": "ENQUEUED"}


def test_a_process_of_another_machine_gets_its_time(desk: Desk):
    second = desk.lease("two")
    desk.run(
        "insert into {schema}signoff_workers (id, place, pid, born, started_at, beat_at, state) "
        "select 'far', 'elsewhere', 1, '12345', started_at, beat_at, 'live' from {schema}signoff_workers"
    )
    assert second.take_over() == []
    desk.age("far", 2_000)
    assert second.take_over() == ["far"]


def test_who_leaves_well_leaves_the_work(desk: Desk):
    first = desk.lease("one")
    desk.workflow("a/1", "one")
    first.release()
    assert desk.statuses() == {"a/1": "ENQUEUED"}
    assert not first.beat()
    assert desk.lost == []


def test_who_slept_asks_before_acting(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    first, second = desk.lease("one"), desk.lease("two")
    presence.hold(first)
    try:
        assert presence.is_alive()
        assert presence.may_act()
        now = place.awake_seconds()
        monkeypatch.setattr(place, "awake_seconds", lambda: now + 900)
        assert not presence.is_alive()
        # Nobody took over meanwhile: asking the database makes the lease fresh again.
        assert presence.may_act()
        assert presence.is_alive()
        monkeypatch.setattr(place, "awake_seconds", lambda: now + 1_800)
        desk.age("one", 2_000)
        second.take_over()
        assert not presence.may_act()
        assert desk.lost == ["one"]
    finally:
        presence.hold(None)


def test_without_an_engine_everything_may_act():
    assert presence.may_act()
    assert not presence.is_alive()
    assert presence.workers() == []
    assert presence.worker_id() == ""
