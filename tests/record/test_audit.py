"""The audit chain holds, names the first row that does not, and is written with the change or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, event, select, text, update

from signoff.kit import clock
from signoff.record import audit
from signoff.record.actor import SYSTEM, Actor
from signoff.tables.people import Workspace
from signoff.tables.record import AuditHead, AuditRow
from signoff.tables.session import Store


@pytest.fixture
def workspace(store: Store) -> str:
    """A workspace whose audit may be tampered with, as someone with the database could."""
    with store.write() as session:
        if store.is_sqlite:
            for name in session.scalars(text("select name from sqlite_master where type='trigger'")).all():
                session.execute(text(f'drop trigger "{name}"'))
        else:
            session.execute(text("alter table audit disable trigger user"))
        session.add(Workspace(id="ws_1", slug="a", name="A", created_at=clock.now()))
    return "ws_1"


def _write(store: Store, workspace: str, n: int) -> None:
    with store.write() as session:
        audit.write(
            session,
            workspace_id=workspace,
            actor=SYSTEM,
            action="thing.done",
            object_kind="thing",
            object_id=f"thing_{n}",
            detail={"n": n, "nested": {"é": [1.5, None, True]}},
        )


def test_a_chain_holds(store: Store, workspace: str) -> None:
    for n in range(5):
        _write(store, workspace, n)
    with store.read() as session:
        assert audit.verify(session, workspace) == audit.Verdict(5)


def test_writers_at_the_same_moment_make_one_chain(store: Store, workspace: str) -> None:
    _write(store, workspace, 0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: _write(store, workspace, n), range(1, 41)))
    with store.read() as session:
        assert audit.verify(session, workspace) == audit.Verdict(41)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_chain_that_is_written_to_while_it_is_checked_holds(store: Store, workspace: str, rows: int) -> None:
    for n in range(rows):
        _write(store, workspace, n)
    with store.read() as session:
        connection = session.connection()

        def written_meanwhile(*statement: Any) -> None:
            if statement[2].lstrip().startswith("SELECT") and AuditHead.__tablename__ in statement[2]:
                _write(store, workspace, 99)

        event.listen(connection, "before_cursor_execute", written_meanwhile)
        found = audit.verify(session, workspace)
    with store.read() as session:
        after = audit.verify(session, workspace)
    assert (found.first_broken_seq, found.reason) == (None, "")
    # It was written to, in the middle of it.
    assert after.rows > rows


def test_a_changed_row_is_named(store: Store, workspace: str) -> None:
    for n in range(5):
        _write(store, workspace, n)
    with store.write() as session:
        session.execute(update(AuditRow).where(AuditRow.seq == 3).values(actor_name="Nobody"))
    with store.read() as session:
        verdict = audit.verify(session, workspace)
    assert (verdict.rows, verdict.first_broken_seq, verdict.reason) == (2, 3, "its content was changed")


def test_a_rehashed_row_breaks_the_next_link(store: Store, workspace: str) -> None:
    for n in range(5):
        _write(store, workspace, n)
    with store.write() as session:
        row = session.scalars(select(AuditRow).where(AuditRow.seq == 3)).one()
        row.actor_name = "Nobody"
        row.hash = audit.row_hash(row)
    with store.read() as session:
        verdict = audit.verify(session, workspace)
    assert (verdict.first_broken_seq, verdict.reason) == (4, "it does not follow the row before it")


def test_two_rows_that_changed_places_are_named(store: Store, workspace: str) -> None:
    for n in range(6):
        _write(store, workspace, n)
    with store.write() as session:
        for before, after in ((3, 100), (5, 3), (100, 5)):
            session.execute(update(AuditRow).where(AuditRow.seq == before).values(seq=after))
    with store.read() as session:
        verdict = audit.verify(session, workspace)
    assert (verdict.first_broken_seq, verdict.reason) == (3, "it was moved here from another place")


def test_a_head_that_was_set_back_is_named(store: Store, workspace: str) -> None:
    """Cutting the end and setting the head back would hide it: but then the head's hash is not the last row's."""
    for n in range(5):
        _write(store, workspace, n)
    with store.write() as session:
        session.execute(delete(AuditRow).where(AuditRow.seq == 5))
        session.execute(update(AuditHead).values(seq=4))
    with store.read() as session:
        verdict = audit.verify(session, workspace)
    assert (verdict.first_broken_seq, verdict.reason) == (5, "the head of the chain was changed")
    with store.write() as session:
        session.execute(delete(AuditHead))
    with store.read() as session:
        assert audit.verify(session, workspace).reason == "the head of the chain is missing"


def test_what_an_agent_does_is_its_runs_and_its_revisions(store: Store, workspace: str) -> None:
    agent = Actor("run", "run_1", "helper, revision 3", run_id="run_1", revision_id="rev_3")
    with store.write() as session:
        audit.write(session, workspace_id=workspace, actor=agent, action="x.y", object_kind="x", object_id="x")
    with store.read() as session:
        row = session.scalars(select(AuditRow)).one()
        assert (row.actor_kind, row.run_id, row.revision_id) == ("run", "run_1", "rev_3")
        assert audit.verify(session, workspace).rows == 1
    with store.write() as session:
        session.execute(update(AuditRow).values(revision_id="rev_4"))
    with store.read() as session:
        assert audit.verify(session, workspace).reason == "its content was changed"


@pytest.mark.parametrize(("gone", "reason"), [(2, "row 2 is missing"), (5, "rows at the end are missing")])
def test_a_missing_row_is_named(store: Store, workspace: str, gone: int, reason: str) -> None:
    for n in range(5):
        _write(store, workspace, n)
    with store.write() as session:
        session.execute(delete(AuditRow).where(AuditRow.seq == gone))
    with store.read() as session:
        verdict = audit.verify(session, workspace)
    assert (verdict.first_broken_seq, verdict.reason) == (gone, reason)


def test_a_change_that_fails_leaves_no_row(store: Store, workspace: str) -> None:
    _write(store, workspace, 0)

    def fails_after_the_audit() -> None:
        with store.write() as session:
            audit.write(session, workspace_id=workspace, actor=SYSTEM, action="x", object_kind="x", object_id="x")
            raise RuntimeError("after the audit")

    with pytest.raises(RuntimeError, match="after the audit"):
        fails_after_the_audit()
    with store.read() as session:
        assert audit.verify(session, workspace) == audit.Verdict(1)
        assert session.get_one(AuditHead, workspace).seq == 1


def test_a_chain_of_which_nothing_is_left_does_not_hold(store: Store, workspace: str) -> None:
    for n in range(3):
        _write(store, workspace, n)
    with store.write() as session:
        session.execute(delete(AuditRow))
        session.execute(delete(AuditHead))
    with store.read() as session:
        assert audit.verify(session, workspace).reason == "the head of the chain is missing"
        assert audit.verify(session, workspace).first_broken_seq == 1
