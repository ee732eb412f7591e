"""The master key is rotated while everything goes on: in short transactions, each of which can be the last.

Until it has ended, every process has both keys, so a call that reads a value in between finds one it can open.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import cast

from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import Select

from signoff.connections.envelope import make_key, newest_key, open_value, seal_value, sealed_key
from signoff.connections.logins.sealing import sealed_again
from signoff.connections.secrets.versions import adopt, place_of, sealed_of
from signoff.connections.signing import reseal_signing_keys
from signoff.connections.vault import Vault
from signoff.people.access import system
from signoff.record import audit
from signoff.tables.connections import DataKey, Login, Secret, SecretVersion
from signoff.tables.session import Store

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Progress:
    """How much was done so far, and how much is left: workspaces' keys, and values."""

    keys: int
    values: int
    left: int


def rotate_master_key(store: Store, vault: Vault, *, with_new_keys: bool = False) -> Generator[Progress]:
    """Seal with the current master key what an older one still seals. Yields after each short transaction.

    Safe to repeat, and to go on with after it was stopped; two at once share the work. When it has ended, the old
    master key opens nothing that is still there.

    Args:
        with_new_keys: also make new keys for the workspaces and encrypt every value anew; for when the old master
            key and a copy of the database may have got into the wrong hands.

    Raises:
        Fault: a key that is needed is not in the settings; what was done before it stays done.
    """
    keys = values = 0
    if with_new_keys:
        with store.read() as session:
            newest = dict(_newest_numbers(session))
        for workspace_id, number in newest.items():
            with store.write() as session:
                make_key(session, vault, workspace_id, number=number + 1)
                _note(session, vault, workspace_id, keys=1)
            keys += 1
    while done := _in_one(store, _rewrap_some, vault):
        keys += done
        yield Progress(keys, values, _left(store, vault))
    while done := _in_one(store, _adopt_some, vault):
        yield Progress(keys, values, _left(store, vault))
    while done := _in_one(store, _seal_some, vault):
        values += done
        yield Progress(keys, values, _left(store, vault))
    while done := _in_one(store, _seal_logins, vault):
        values += done
        yield Progress(keys, values, _left(store, vault))
    with store.write() as session:
        reseal_signing_keys(session, vault)
    yield Progress(keys, values, 0)


def _in_one(store: Store, work: object, vault: Vault) -> int:
    with store.write() as session:
        return cast("int", work(session, vault))  # pyright: ignore[reportCallIssue]


def _newest_numbers(session: Session) -> list[tuple[str, int]]:
    rows = session.execute(select(DataKey.workspace_id, func.max(DataKey.number)).group_by(DataKey.workspace_id))
    return [(row[0], int(row[1])) for row in rows]


def _rewrap_some(session: Session, vault: Vault) -> int:
    """Seal some workspaces' keys with the current master key."""
    rows = session.scalars(
        select(DataKey)
        .where(DataKey.key_id != vault.keys.current.id)
        # In the order in which everybody writes to the audits of several workspaces.
        .order_by(DataKey.workspace_id, DataKey.number)
        .limit(_AT_ONCE)
    ).all()
    for row in rows:
        sealed, place = sealed_key(row)
        again = vault.seal(vault.open(sealed, place), place)
        session.execute(
            update(DataKey)
            .where(DataKey.id == row.id, DataKey.key_id == row.key_id)
            .values(ciphertext=again.ciphertext, nonce=again.nonce, key_id=again.key_id)
            .execution_options(synchronize_session=False)
        )
        _note(session, vault, row.workspace_id, keys=1)
    return len(rows)


def _adopt_some(session: Session, vault: Vault) -> int:
    """Move values that a release before versions wrote into the secrets themselves."""
    rows = session.scalars(select(Secret).where(Secret.key_id != "").order_by(Secret.id).limit(_AT_ONCE)).all()
    for row in rows:
        adopt(session, row)
        session.execute(
            update(Secret)
            .where(Secret.id == row.id, Secret.version == row.version)
            .values(ciphertext=b"", nonce=b"", key_id="")
            .execution_options(synchronize_session=False)
        )
    return len(rows)


def _seal_some(session: Session, vault: Vault) -> int:
    """Seal some values with their workspace's newest key: what the master key itself seals, or an older key."""
    rows = session.scalars(_to_seal().order_by(SecretVersion.secret_id, SecretVersion.version).limit(_AT_ONCE)).all()
    counts: dict[str, int] = {}
    for row in rows:
        if newest_key(session, row.workspace_id) is None:
            make_key(session, vault, row.workspace_id)
        value = open_value(session, vault, sealed_of(row), place_of(row))
        again = seal_value(session, vault, value, place_of(row))
        moved = session.execute(
            update(SecretVersion)
            .where(
                SecretVersion.secret_id == row.secret_id,
                SecretVersion.version == row.version,
                SecretVersion.key_id == row.key_id,
            )
            .values(ciphertext=again.ciphertext, nonce=again.nonce, key_id=again.key_id)
            .execution_options(synchronize_session=False)
        )
        counts[row.workspace_id] = counts.get(row.workspace_id, 0) + cast("CursorResult[object]", moved).rowcount
    for workspace_id, count in sorted(counts.items()):
        _note(session, vault, workspace_id, values=count)
    return len(rows)


def _seal_logins(session: Session, vault: Vault) -> int:
    """Seal what some logins hold with the current master key."""
    rows = session.scalars(_logins_to_seal(vault).order_by(Login.id).limit(_AT_ONCE).with_for_update()).all()
    counts: dict[str, int] = {}
    for row in rows:
        sealed_again(vault, row)
        counts[row.workspace_id] = counts.get(row.workspace_id, 0) + 1
    session.flush()
    for workspace_id, count in sorted(counts.items()):
        _note(session, vault, workspace_id, values=count)
    return len(rows)


def _logins_to_seal(vault: Vault) -> Select[Login]:
    current = vault.keys.current.id
    return select(Login).where(or_(Login.tokens_key_id != current, Login.client_secret_key_id != current))


def _to_seal():  # pyright infers the statement's type.
    newer = aliased(DataKey)
    newest = (
        select(DataKey.id)
        .where(
            DataKey.workspace_id == SecretVersion.workspace_id,
            ~select(newer.id)
            .where(and_(newer.workspace_id == DataKey.workspace_id, newer.number > DataKey.number))
            .exists(),
        )
        .correlate(SecretVersion)
        .scalar_subquery()
    )
    return select(SecretVersion).where(
        SecretVersion.source == "built_in",
        SecretVersion.state != "erased",
        SecretVersion.key_id != func.coalesce(newest, ""),
    )


def _left(store: Store, vault: Vault) -> int:
    with store.read() as session:
        keys = session.scalar(select(func.count()).where(DataKey.key_id != vault.keys.current.id)) or 0
        old = session.scalar(select(func.count()).where(Secret.key_id != "")) or 0
        values = session.scalar(select(func.count()).select_from(_to_seal().subquery())) or 0
        logins = session.scalar(select(func.count()).select_from(_logins_to_seal(vault).subquery())) or 0
    return int(keys) + int(old) + int(values) + int(logins)


def _note(session: Session, vault: Vault, workspace_id: str, *, keys: int = 0, values: int = 0) -> None:
    audit.write(
        session,
        workspace_id=workspace_id,
        actor=system(workspace_id).actor,
        action="secret.master_key_rotated",
        object_kind="workspace",
        object_id=workspace_id,
        detail={"workspace_keys": keys, "secrets": values, "key": vault.keys.current.id},
    )
