"""An export proves itself, line by line and as a whole, and that it was taken is in the audit."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable

import pytest

from signoff.connections.audit_export import begin_export, check_export
from signoff.connections.keys import keys_of
from signoff.connections.secrets import rotate_master_key
from signoff.connections.signing import public_keys, signer_for
from signoff.connections.vault import Vault
from signoff.kit.errors import Fault, NotAllowed
from signoff.people.access import Principal, system
from signoff.people.actions import found_workspace
from signoff.people.queries import audit_after
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.tables.session import Store

OLD, NEW = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
VAULT = Vault(keys_of([OLD]))


@pytest.fixture
def workspace(store: Store) -> str:
    with store.write() as session:
        made = found_workspace(session, slug="acme", name="Acme", owner_email="a@x.example", owner_name="Alice")
        for number in range(5):
            audit.write(
                session, workspace_id=made.workspace_id, actor=SYSTEM, action="x.y", object_kind="x", object_id="x",
                detail={"number": number, "é": "ü\u2028"},
            )  # fmt: skip
    return made.workspace_id


def export(store: Store, workspace: str) -> list[bytes]:
    with store.write() as session:
        taken = begin_export(session, system(workspace, "operator me"), VAULT)
    with store.read() as session:
        data = b""
        while not taken.is_over:
            data += taken.lines(audit_after(session, system(workspace), seq=taken.seq, size=3))
    return [*data.splitlines(keepends=True), taken.last_line()]


def keys(store: Store) -> list[str]:
    with store.read() as session:
        return [key.public_key for key in public_keys(session)]


def test_a_good_file_is_good_and_holds_that_it_was_taken(store: Store, workspace: str) -> None:
    lines = export(store, workspace)
    found = check_export(iter(lines), keys(store))
    assert (found.is_good, found.rows, found.workspace_id) == (True, 7, workspace)
    last = json.loads(lines[-2])
    assert (last["action"], last["actor_name"]) == ("audit.exported", "operator me")
    assert check_export(iter(export(store, workspace)), keys(store)).rows == 8
    assert len(keys(store)) == 1


@pytest.mark.parametrize(
    ("change", "line", "reason"),
    [
        (lambda lines: [*lines[:3], lines[3].replace(b"x.y", b"x.z"), *lines[4:]], 4, "its content was changed"),
        (lambda lines: [*lines[:3], *lines[4:]], 4, "it does not follow the line before it"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 2, "it does not follow the line before it"),
        (lambda lines: lines[1:], 7, "what is signed does not fit the lines: rows"),
        (lambda lines: lines[:-1], 7, "the last line, which signs the others, is missing: the file was cut"),
        (lambda lines: [*lines[:-2], lines[-1]], 7, "what is signed does not fit the lines: rows"),
        (lambda lines: [*lines[:2], b"nonsense\n", *lines[2:]], 3, "it is not a line of JSON"),
        (lambda lines: [b"[" * 5000 + b"\n", *lines], 1, "it is not a line of JSON"),
        (lambda lines: [b'{"seq": {}}\n', *lines], 1, "it is not a row of an audit"),
        (
            lambda lines: [*lines[:-1], lines[-1].replace(b"operator me", b"operator he")],
            8,
            "signature is not by a key",
        ),
        (lambda lines: [], 1, "missing"),
    ],
)
def test_whatever_is_changed_is_named(
    store: Store, workspace: str, change: Callable[[list[bytes]], list[bytes]], line: int, reason: str
) -> None:
    found = check_export(iter(change(export(store, workspace))), keys(store))
    assert (found.is_good, found.line) == (False, line)
    assert reason in found.reason


def test_another_installations_signature_does_not_count(store: Store, workspace: str) -> None:
    """Whoever rewrites all of a file can sign it too: with a key of their own, that the file itself names."""
    lines = export(store, workspace)
    assert not check_export(iter(lines), [base64.b64encode(os.urandom(32)).decode(), "", "x"]).is_good


def test_the_key_stays_through_a_rotation_of_the_master_key_and_is_stored_sealed(store: Store, workspace: str) -> None:
    before = export(store, workspace)
    list(rotate_master_key(store, Vault(keys_of([NEW, OLD]))))
    with store.read() as session:
        assert signer_for(session, Vault(keys_of([NEW]))).public_key == keys(store)[0]
        with pytest.raises(Fault):
            signer_for(session, VAULT)
    assert check_export(iter(before), keys(store)).is_good


def test_who_may_not_read_the_audit_takes_nothing_away(store: Store, workspace: str) -> None:
    looker = Principal("member", "mem_1", "Rosa", workspace, "viewer")
    with pytest.raises(NotAllowed), store.write() as session:
        begin_export(session, looker, VAULT)
