"""A worker killed while it opens the incident of an alert, or tells it that the alert is over: each happens once."""

from __future__ import annotations

import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from signoff.incidents.queries import incident, incidents_page
from signoff.kit import clock
from signoff.record import outbox
from signoff.record.alarms import INCIDENT, OPENED, OVER, TELL
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.session import Store
from signoff.watch.actions import raise_alert, resolve_by_key
from tests.engine.kit_engine import House, house
from tests.engine.kit_processes import Processes, until

KILLED = -signal.SIGKILL
KEY = "provider:x"
# Whatever the worker was doing, and whichever of the two messages it was at.
OPENING = ("claimed:1", "incident-opening:1", "incident-opened-not-acked:1", "incident-opened-not-acked:2")
TELLING = ("incident-told-not-acked:1", "incident-told-not-acked:2")


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def alert_told_twice(store: Store, at: House) -> str:
    with store.write() as session:
        made = raise_alert(
            session, at.workspace_id, key=KEY, kind="provider_failing", text="It fails.", agent_id=at.agent_id
        )
        outbox.send(session, workspace_id=at.workspace_id, kind=OPENED, payload={"alert": made})
    return made


def carried(store: Store, processes: Processes, fault: str = "") -> int | None:
    """Let a worker carry what there is, or be killed at `fault`; how it ended."""
    worker = processes.start(fault=fault, until="stopped")
    if not fault:
        until(lambda: nothing_is_left(store), "the messages to be carried")
        worker.terminate()
    return processes.ended(worker)


def nothing_is_left(store: Store) -> bool:
    """Whether all that is due is carried; that people are told of it may come an hour later."""
    left = select(OutboxMessage.id).where(OutboxMessage.done_at.is_(None), OutboxMessage.due_at <= clock.now())
    with store.read() as session:
        return session.scalar(left.limit(1)) is None


def the_incident(store: Store, at: House) -> tuple[str, list[str]]:
    """The only one there is, and the kinds of the lines of its timeline."""
    with store.read() as session:
        (found,) = incidents_page(session, at.who).rows
        return found.id, [one.kind for one in incident(session, at.who, found.id).timeline]


def people_asked_to_be_told(store: Store) -> int:
    """How many messages ask for people to be told of an incident."""
    with store.read() as session:
        payloads = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.kind == TELL)).all()
    return sum(payload["kind"] == INCIDENT for payload in payloads)


@pytest.mark.parametrize("point", OPENING)
def test_an_alert_opens_one_incident_though_it_is_told_twice_and_the_worker_is_killed(
    store: Store, processes: Processes, point: str
):
    at = house(store, "unused")
    alert_told_twice(store, at)
    assert carried(store, processes, point) == KILLED, f"the worker never came to {point}"
    assert carried(store, processes) == 0
    made, kinds = the_incident(store, at)
    assert kinds == ["opened"]
    with store.read() as session:
        tasks = [one.title for one in incident(session, at.who, made).tasks]
        audited = session.scalar(select(func.count()).where(AuditRow.action == "incident.opened"))
    assert len(tasks) == len(set(tasks)) == 8
    assert (audited, people_asked_to_be_told(store)) == (1, 1)


@pytest.mark.parametrize("point", TELLING)
def test_that_the_alert_is_over_is_written_into_it_once(store: Store, processes: Processes, point: str):
    at = house(store, "unused")
    alert = alert_told_twice(store, at)
    assert carried(store, processes) == 0
    with store.write() as session:
        assert resolve_by_key(session, at.workspace_id, KEY)
        outbox.send(session, workspace_id=at.workspace_id, kind=OVER, payload={"alert": alert, "by": "Signoff"})
    assert carried(store, processes, point) == KILLED, f"the worker never came to {point}"
    assert carried(store, processes) == 0
    assert the_incident(store, at)[1] == ["opened", "alert_over"]
