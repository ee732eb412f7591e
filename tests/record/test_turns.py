"""Whoever writes of a run holds its row; that a transaction holds it already is remembered, and only while it does."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from signoff.record.trace import take_turn
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.kit_workspace import Rows, make_rows


@pytest.fixture
def rows(store: Store) -> Rows:
    return make_rows(store)


def _is_held(store: Store, run_id: str) -> bool:
    """Return whether somebody else holds the row. SQLite has one writer, who holds everything."""
    if store.is_sqlite:
        return True
    with store.read() as session:
        try:
            session.execute(select(Run.id).where(Run.id == run_id).with_for_update(nowait=True))
        except OperationalError:
            return True
    return False


def _take_and_give_back(session: Session, run_id: str) -> None:
    savepoint = session.begin_nested()
    take_turn(session, run_id)
    savepoint.rollback()


def test_a_turn_lasts_until_the_end_of_the_transaction(store: Store, rows: Rows) -> None:
    with store.write() as session:
        take_turn(session, rows.run_id)
        take_turn(session, rows.run_id)
        assert _is_held(store, rows.run_id)
    assert store.is_sqlite or not _is_held(store, rows.run_id)


def test_a_turn_that_went_with_a_savepoint_is_taken_again(store: Store, rows: Rows) -> None:
    with store.write() as session:
        _take_and_give_back(session, rows.run_id)
        take_turn(session, rows.run_id)
        assert _is_held(store, rows.run_id)


def test_the_next_transaction_of_a_session_takes_its_own_turn(store: Store, rows: Rows) -> None:
    with Session(store.engine) as session:
        take_turn(session, rows.run_id)
        session.commit()
        assert store.is_sqlite or not _is_held(store, rows.run_id)
        take_turn(session, rows.run_id)
        assert _is_held(store, rows.run_id)
        session.rollback()
