"""Whoever waits for an answer does not wait for a rehearsal: what asks for a shadow is claimed last, and in bounds."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from signoff.engine.claims import claim_fairly, has_due
from signoff.kit import clock, ids
from signoff.record import outbox
from signoff.runs.actions import SHADOW, START
from signoff.tables.people import Workspace
from signoff.tables.session import Store


def filled(store: Store, *, shadows: int, starts: int) -> None:
    """Messages of one workspace, those that ask for shadows first."""
    with store.write() as session:
        workspace = ids.new_id("ws")
        session.add(Workspace(id=workspace, slug=workspace.replace("_", "-"), name="Acme", created_at=clock.now()))
        session.flush()
        for kind, count in ((SHADOW, shadows), (START, starts)):
            for number in range(count):
                outbox.send(session, workspace_id=workspace, kind=kind, payload={"run_id": f"run_{number}", "leg": 1})


def claimed(store: Store, *, free: int, spare: int) -> list[str]:
    with store.write() as session:
        return [message.kind for message in claim_fairly(session, worker="w", free=free, turn=0, spare=spare)]


def test_runs_start_before_shadows_which_get_the_spare_places(store: Store):
    filled(store, shadows=10, starts=3)
    assert claimed(store, free=8, spare=4) == [START, START, START, SHADOW]
    assert claimed(store, free=8, spare=4) == [SHADOW] * 4
    assert claimed(store, free=8, spare=0) == []


def test_where_there_is_no_room_for_shadows_they_are_no_reason_to_look(store: Store):
    filled(store, shadows=1, starts=0)
    with store.read() as session:
        assert has_due(session, starts=True, rehearsals=True)
        assert not has_due(session, starts=True, rehearsals=False)
    assert claimed(store, free=5, spare=5) == [SHADOW]


def work_of(store: Store, waiting: int) -> int:
    """How much the database does for one look that finds no room and one claim, in its own instructions."""
    filled(store, shadows=waiting, starts=waiting)
    done = 0

    def count(*_: Any) -> int:
        nonlocal done
        done += 1
        return 0

    with store.write() as session:
        raw = session.connection().connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(count, 10)
        assert not has_due(session, starts=False, rehearsals=False)
        assert len(claim_fairly(session, worker="w", free=1, turn=0, spare=0)) == 1
        raw.set_progress_handler(None, 0)
    return done


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_claim_costs_the_same_however_long_the_queue_is(store: Store):
    short = work_of(store, 5)
    assert work_of(store, 1_000) < 2 * short
