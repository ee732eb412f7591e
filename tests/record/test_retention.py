"""Audit rows go when their time is over, in order, and what stays still proves itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from signoff.app.housekeeping import let_audit_go
from signoff.kit import clock
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.record.retention import prune_audit
from signoff.tables.people import Workspace
from signoff.tables.record import AuditCheckpoint, AuditRow
from signoff.tables.session import Store


@pytest.fixture
def workspace(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """A workspace with ten audit rows: one every sixty days, the youngest of today."""
    today = clock.now()
    with store.write() as session:
        session.add(Workspace(id="ws_1", slug="a", name="A", created_at=today))
    for age in range(540, -1, -60):
        monkeypatch.setattr(clock, "now", lambda at=today - timedelta(days=age): at)
        with store.write() as session:
            audit.write(
                session, workspace_id="ws_1", actor=SYSTEM, action="x.y", object_kind="x", object_id="x",
                detail={"age": age},
            )  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: today)
    return "ws_1"


def _year_ago() -> datetime:
    return clock.now() - timedelta(days=365)


@pytest.mark.anyio
async def test_what_is_older_goes_and_the_rest_holds_from_the_checkpoint_on(store: Store, workspace: str) -> None:
    assert await let_audit_go(store, before=_year_ago()) == 3
    assert await let_audit_go(store, before=_year_ago()) == 0
    with store.read() as session:
        kept = session.scalars(select(AuditRow).order_by(AuditRow.seq)).all()
        assert audit.verify(session, workspace) == audit.Verdict(8, from_seq=4)
        checkpoint = session.scalars(select(AuditCheckpoint)).one()
    assert [row.detail.get("age") for row in kept] == [360, 300, 240, 180, 120, 60, 0, None]
    assert kept[0].previous_hash == checkpoint.hash
    assert (kept[-1].action, kept[-1].detail["rows"], kept[-1].detail["seq"]) == ("audit.pruned", 3, 3)


def test_it_goes_on_from_checkpoint_to_checkpoint(store: Store, workspace: str) -> None:
    for days in (500, 400, 300):
        with store.write() as session:
            prune_audit(session, workspace, before=clock.now() - timedelta(days=days))
    with store.read() as session:
        verdict = audit.verify(session, workspace)
        assert (verdict.first_broken_seq, verdict.from_seq) == (None, 5)
        assert len(session.scalars(select(AuditCheckpoint)).all()) == 3


def test_no_younger_row_can_go_whatever_asks(store: Store, workspace: str) -> None:
    def young() -> None:
        with store.write() as session:
            prune_audit(session, workspace, before=clock.now() - timedelta(days=30))

    def without_a_checkpoint() -> None:
        with store.write() as session:
            session.execute(delete(AuditRow).where(AuditRow.seq == 1))

    def changed() -> None:
        with store.write() as session:
            session.execute(update(AuditRow).where(AuditRow.seq == 1).values(actor_name="Nobody"))

    for attempt in (young, without_a_checkpoint, changed):
        with pytest.raises(DatabaseError, match="a row of audit never changes"):
            attempt()
    with store.read() as session:
        assert audit.verify(session, workspace) == audit.Verdict(10)


def test_a_checkpoint_never_changes(store: Store, workspace: str) -> None:
    with store.write() as session:
        prune_audit(session, workspace, before=_year_ago())
    for statement in (update(AuditCheckpoint).values(seq=9), delete(AuditCheckpoint)):
        with pytest.raises(DatabaseError, match="a row of audit_checkpoints never changes"), store.write() as session:
            session.execute(statement)


def test_a_checkpoint_nobody_spoke_of_is_named(store: Store, workspace: str) -> None:
    """Whoever lets rows go past the product cannot make the chain agree."""
    with store.write() as session:
        last = session.scalars(select(AuditRow).where(AuditRow.seq == 3)).one()
        session.add(
            AuditCheckpoint(workspace_id=workspace, seq=3, hash=last.hash, last_at=last.at, created_at=clock.now())
        )
        session.flush()
        session.execute(text("delete from audit where seq <= 3"))
    with store.read() as session:
        verdict = audit.verify(session, workspace)
    assert (verdict.first_broken_seq, verdict.reason) == (
        3,
        "the checkpoint it begins with is not one the chain speaks of",
    )


def test_the_newest_row_stays(store: Store, workspace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now() + timedelta(days=4_000)
    with store.write() as session:
        if not store.is_sqlite:
            session.execute(text("alter table audit disable trigger user"))
        else:
            session.execute(text("drop trigger audit_never_delete"))
        assert prune_audit(session, workspace, before=later) == 9
    with store.read() as session:
        assert audit.verify(session, workspace) == audit.Verdict(2, from_seq=10)
