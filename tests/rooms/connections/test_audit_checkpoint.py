"""What was kept elsewhere tells of rows that were cut off the end of a chain, or of a chain that was written anew."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update

from signoff.connections.audit_checkpoint import checkpoint_line, compare, kept_in
from signoff.connections.signing import public_keys, signer_for
from signoff.connections.vault import Vault
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed
from signoff.people.access import Principal, system
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.tables.immutable import AUDIT_DAYS_MIN
from signoff.tables.record import AuditCheckpoint, AuditHead, AuditRow
from signoff.tables.session import Store
from tests.rooms.connections.test_audit_export import VAULT, export, keys, workspace

__all__ = ["workspace"]


def add(store: Store, workspace: str, rows: int) -> None:
    with store.write() as session:
        for _ in range(rows):
            audit.write(
                session, workspace_id=workspace, actor=SYSTEM, action="x.y", object_kind="x", object_id="x"
            )  # fmt: skip


def taken(store: Store, workspace: str, vault: Vault = VAULT) -> bytes:
    with store.write() as session:
        return checkpoint_line(session, system(workspace), signer_for(session, vault))


def verified(store: Store, workspace: str, *lines: bytes) -> audit.Verdict:
    kept = kept_in(lines, keys(store), workspace)
    with store.read() as session:
        return compare(session, workspace, kept, audit.verify(session, workspace))


def cut(store: Store, workspace: str, after: int) -> None:
    """Take the rows behind `after` away and put the head back: somebody with the database may."""
    with store.write() as session:
        if store.is_sqlite:
            for name in session.scalars(text("select name from sqlite_master where type='trigger'")).all():
                session.execute(text(f'drop trigger "{name}"'))
        else:
            session.execute(text("alter table audit disable trigger user"))
        session.execute(delete(AuditRow).where(AuditRow.workspace_id == workspace, AuditRow.seq > after))
        last = audit.hash_at(session, workspace, after)
        session.execute(update(AuditHead).where(AuditHead.workspace_id == workspace).values(seq=after, hash=last))


def test_a_chain_that_went_on_fits_its_checkpoints(store: Store, workspace: str) -> None:
    first = taken(store, workspace)
    add(store, workspace, 2)
    second = taken(store, workspace)
    assert verified(store, workspace, first, second) == audit.Verdict(8)


def test_rows_that_were_cut_off_with_their_head_are_told(store: Store, workspace: str) -> None:
    add(store, workspace, 4)
    line = taken(store, workspace)
    cut(store, workspace, 7)
    with store.read() as session:
        assert audit.verify(session, workspace) == audit.Verdict(7), "by itself the chain seems whole"
    found = verified(store, workspace, line)
    assert (found.rows, found.first_broken_seq) == (7, 8)
    assert found.reason == "rows at the end are missing: a checkpoint names row 10"


def test_rows_that_were_written_anew_are_told(store: Store, workspace: str) -> None:
    early = taken(store, workspace)
    add(store, workspace, 4)
    late = taken(store, workspace)
    cut(store, workspace, 7)
    add(store, workspace, 9)
    found = verified(store, workspace, early, late)
    assert (found.first_broken_seq, found.reason) == (10, "it is not the row that a checkpoint names")


def test_an_export_is_a_checkpoint_too(store: Store, workspace: str) -> None:
    lines = export(store, workspace)
    assert verified(store, workspace, *lines).first_broken_seq is None
    cut(store, workspace, 5)
    assert verified(store, workspace, *lines).first_broken_seq == 6


def test_what_was_let_go_in_time_is_no_fault_and_too_early_is_one(
    store: Store, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = taken(store, workspace)
    add(store, workspace, 1)
    with store.write() as session:
        gone = audit.hash_at(session, workspace, 7) or ""
        audit.write(
            session, workspace_id=workspace, actor=SYSTEM, action=audit.PRUNED, object_kind="workspace",
            object_id=workspace, detail={"seq": 7, "hash": gone},
        )  # fmt: skip
        moment = clock.now()
        session.add(AuditCheckpoint(workspace_id=workspace, seq=7, hash=gone, last_at=moment, created_at=moment))
    assert "let go" in verified(store, workspace, line).reason
    later = clock.now() + timedelta(days=AUDIT_DAYS_MIN + 1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert verified(store, workspace, line).first_broken_seq is None


@pytest.mark.parametrize("seq", [6, 600])
def test_a_line_that_was_changed_is_refused(store: Store, workspace: str, seq: int) -> None:
    line = json.loads(taken(store, workspace))
    line["claim"] |= {"last_seq": seq, "last_hash": "0" * 64}
    with pytest.raises(Malformed, match="not signed"):
        verified(store, workspace, json.dumps(line).encode())


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b"", b'{"claim": 1}\n'])
def test_a_file_that_says_nothing_is_refused(store: Store, workspace: str, line: bytes) -> None:
    taken(store, workspace)
    with pytest.raises(Malformed):
        verified(store, workspace, line)


def test_another_workspaces_checkpoint_says_nothing_here(store: Store, workspace: str) -> None:
    line = taken(store, workspace)
    with pytest.raises(Malformed, match="no checkpoint of this workspace"):
        kept_in([line], keys(store), "ws_other")


def test_who_may_not_read_the_audit_takes_none(store: Store, workspace: str) -> None:
    viewer = Principal("member", "mem_1", "Vera", workspace, "viewer")
    with store.write() as session:
        signer = signer_for(session, VAULT)
        assert public_keys(session)
        with pytest.raises(NotAllowed):
            checkpoint_line(session, viewer, signer)
