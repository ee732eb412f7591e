"""A chain longer than what is read at once: whatever was done to it by SQL, and wherever, is named by its row."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.tables.people import Workspace
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.record.kit_chain import AUDIT, COLUMNS, begin_chain

ROWS = 3_200
# Rows are read a thousand at a time: the first and last of such a page, and one in the middle of another.
PLACES = (1, 1_000, 1_001, 2_500)
# While rows change places, no two may have one number.
ASIDE = 1_000_000


@pytest.fixture
def chain(store: Store) -> str:
    """A workspace with a long chain, in a database whose triggers somebody took away."""
    with store.write() as session:
        if store.is_sqlite:
            for name in session.scalars(text("select name from sqlite_master where type='trigger'")).all():
                session.execute(text(f'drop trigger "{name}"'))
        else:
            session.execute(text("alter table audit disable trigger user"))
        session.add(Workspace(id="ws_1", slug="a", name="A", created_at=clock.now()))
        session.flush()
        begin_chain(session, "ws_1", ROWS)
    return "ws_1"


def after(store: Store, workspace: str, tamper: Callable[[Session, int], None], place: int) -> tuple[int | None, str]:
    """What verifying says after somebody did this; nothing of it stays."""
    with store.read() as session:
        tamper(session, place)
        found = audit.verify(session, workspace)
        session.rollback()
    assert found.first_broken_seq is None or found.rows == found.first_broken_seq - 1
    return found.first_broken_seq, found.reason


def change(session: Session, place: int) -> None:
    session.execute(update(AuditRow).where(AuditRow.seq == place).values(object_id="thing_else"))


def remove(session: Session, place: int) -> None:
    session.execute(delete(AuditRow).where(AuditRow.seq == place))


def swap(session: Session, place: int) -> None:
    for before, behind in ((place, ASIDE), (place + 1, place), (ASIDE, place + 1)):
        session.execute(update(AuditRow).where(AuditRow.seq == before).values(seq=behind))


def make_room(session: Session, place: int) -> None:
    later = update(AuditRow).where(AuditRow.seq >= place)
    session.execute(later.values(seq=AuditRow.seq + ASIDE))
    session.execute(later.values(seq=AuditRow.seq - ASIDE + 1))


def put_in(session: Session, place: int, *, previous: str, is_hashed: bool) -> None:
    row = AuditRow(
        id="aud_forged", workspace_id="ws_1", seq=place, at=clock.now(), actor_kind="system", actor_id="system",
        actor_name="Signoff", action="thing.done", object_kind="thing", object_id="forged", run_id=None,
        revision_id=None, detail={}, previous_hash=previous, hash="f" * 64,
    )  # fmt: skip
    if is_hashed:
        row.hash = audit.row_hash(row)
    session.execute(insert(AUDIT), [{name: getattr(row, name) for name in COLUMNS}])


def hash_before(session: Session, place: int) -> str:
    return session.scalar(select(AuditRow.hash).where(AuditRow.seq == place - 1)) or audit.GENESIS


def insert_made_up(session: Session, place: int) -> None:
    make_room(session, place)
    put_in(session, place, previous="e" * 64, is_hashed=False)


def insert_well_made(session: Session, place: int) -> None:
    make_room(session, place)
    put_in(session, place, previous=hash_before(session, place), is_hashed=True)


def test_a_long_chain_holds(store: Store, chain: str) -> None:
    with store.write() as session:
        audit.write(
            session, workspace_id=chain, actor=SYSTEM, action="thing.done", object_kind="thing", object_id="thing_last"
        )
    with store.read() as session:
        assert audit.verify(session, chain) == audit.Verdict(ROWS + 1)


def test_what_was_done_to_one_row_is_named_at_the_edges_of_what_is_read_at_once(store: Store, chain: str) -> None:
    for place in PLACES:
        assert after(store, chain, change, place) == (place, "its content was changed")
        assert after(store, chain, remove, place) == (place, f"row {place} is missing")
        assert after(store, chain, swap, place) == (place, "it was moved here from another place")
        assert after(store, chain, insert_made_up, place) == (place, "its content was changed")
        # Nothing betrays a row that follows the one before it and has its hash: the next one does not follow it.
        assert after(store, chain, insert_well_made, place) == (place + 1, "it was moved here from another place")


def test_a_row_added_at_the_end_is_named(store: Store, chain: str) -> None:
    def add(session: Session, place: int) -> None:
        put_in(session, place, previous=hash_before(session, place), is_hashed=True)

    assert after(store, chain, add, ROWS + 1) == (ROWS + 1, "it was added behind the head of the chain")


def test_the_last_row_is_as_well_kept_as_the_others(store: Store, chain: str) -> None:
    assert after(store, chain, change, ROWS) == (ROWS, "its content was changed")
    assert after(store, chain, remove, ROWS) == (ROWS, "rows at the end are missing")
    assert after(store, chain, swap, ROWS - 1) == (ROWS - 1, "it was moved here from another place")
