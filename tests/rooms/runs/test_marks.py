"""What a run has read is kept on it: with what it begins, and that nothing takes it back."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.people.access import Principal
from signoff.runs import actions
from signoff.runs.marks import first_marks, is_marked, note_marks
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.kit_engine import House, house

OUTSIDE = {"untrusted": 0, "workspace": 0}


@pytest.mark.parametrize(
    ("source", "caller", "marks"),
    [
        ("manual", "member", {}),
        ("manual", "system", {}),
        ("api", "member", {}),
        ("schedule", "system", {}),
        ("cli", "system", {}),
        ("manual", "key", OUTSIDE),
        ("manual", "service_account", OUTSIDE),
        ("api", "key", OUTSIDE),
        ("api", "service_account", OUTSIDE),
        ("orchestration", "key", OUTSIDE),
        ("orchestration", "member", OUTSIDE),
        ("webhook", "system", OUTSIDE),
        ("trigger", "system", OUTSIDE),
        ("demo", "system", OUTSIDE),
        ("replay", "member", OUTSIDE),
    ],
)
def test_a_run_begins_as_trusted_as_whoever_started_it(source: Any, caller: Any, marks: dict[str, int]) -> None:
    assert first_marks(source, caller) == marks


def test_a_request_keeps_it(store: Store) -> None:
    at = house(store, "nothing")
    by_hand = requested(store, at, Principal("member", "mem_a", "Ann", at.workspace_id, "owner"))
    by_key = requested(store, at, Principal("key", "key_a", "Key", at.workspace_id, "owner"), source="api")
    assert (flow(store, by_hand), flow(store, by_key)) == ({}, OUTSIDE)


def test_the_first_turn_that_read_something_stands(store: Store) -> None:
    at = house(store, "nothing")
    run_id = requested(store, at, at.who)
    for known, new in (({}, {"untrusted": 4}), ({}, {"untrusted": 2, "workspace": 2}), ({}, {"untrusted": 7})):
        with store.write() as session:
            note_marks(session, run_id, known, new)
    assert flow(store, run_id) == {"untrusted": 2, "workspace": 2}


def test_a_run_of_which_nothing_is_known_stays_so(store: Store) -> None:
    at = house(store, "nothing")
    run_id = requested(store, at, at.who)
    with store.write() as session:
        session.get_one(Run, run_id).flow = None
    with store.write() as session:
        note_marks(session, run_id, None, {"trusted": 1})
    assert flow(store, run_id) is None
    assert is_marked(None, "untrusted", before_turn=1)
    assert not is_marked(None, "trusted", before_turn=9)


def test_a_turn_has_read_what_came_before_it() -> None:
    marks = {"untrusted": 3}
    assert [is_marked(marks, "untrusted", before_turn=turn) for turn in (1, 3, 4, 9)] == [False, False, True, True]


def requested(store: Store, at: House, who: Principal, **more: Any) -> str:
    with store.write() as session:
        return actions.request_run(session, who, agent="clerk", input="Go.", **more).id


def flow(store: Store, run_id: str) -> Any:
    with store.read() as session:
        return session.get_one(Run, run_id).flow
