"""Each workspace's secrets are sealed by a key of its own, which the master key seals: so the master key is rotated
without touching a value, and a process opens a workspace's key once.
"""

from __future__ import annotations

import base64
import os
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.keys import KEY_BYTES
from signoff.connections.vault import Place, Vault
from signoff.kit import clock, ids
from signoff.kit.errors import Fault
from signoff.kit.sealing import Sealed, opened_with, sealed_with
from signoff.tables.connections import DataKey
from signoff.tables.upsert import insert_into

_PREFIX = "dkey_"
# Opened keys that a process remembers; 32 bytes each.
_OPENED_MAX = 10_000


def seal_value(session: Session, vault: Vault, value: str, place: Place) -> Sealed:
    """Encrypt `value` for `place` with its workspace's key, which is made when there is none."""
    row = newest_key(session, place.workspace_id) or make_key(session, vault, place.workspace_id)
    return sealed_with(_opened(vault, row), row.id, value, place.aad)


def open_value(session: Session, vault: Vault, sealed: Sealed, place: Place) -> str:
    """Decrypt what `seal_value` gave, or what a release before sealed with the master key itself.

    Raises:
        Fault: a key is missing, or the value was changed or moved.
    """
    if not sealed.key_id.startswith(_PREFIX):
        return vault.open(sealed, place)
    key = vault.opened.get(sealed.key_id)
    if key is None:
        row = session.get(DataKey, sealed.key_id, populate_existing=True)
        # A key of another workspace opens nothing here, whatever a row says.
        if row is None or row.workspace_id != place.workspace_id:
            raise Fault("The key of a stored secret is gone. Enter the secret again.", code="secret_damaged")
        key = _opened(vault, row)
    return opened_with(key, sealed, place.aad)


def newest_key(session: Session, workspace_id: str) -> DataKey | None:
    """Return the key that seals what is entered now."""
    wanted = select(DataKey).where(DataKey.workspace_id == workspace_id).order_by(DataKey.number.desc()).limit(1)
    return session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()


def make_key(session: Session, vault: Vault, workspace_id: str, *, number: int = 1) -> DataKey:
    """Make the workspace's key of this number, or return the one that another process just made."""
    key_id = ids.new_id("dkey")
    text = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    sealed = vault.seal(text, Place(workspace_id, key_id, number))
    session.execute(
        insert_into(session, DataKey)
        .values(
            id=key_id,
            workspace_id=workspace_id,
            number=number,
            ciphertext=sealed.ciphertext,
            nonce=sealed.nonce,
            key_id=sealed.key_id,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "number"])
    )
    wanted: Any = select(DataKey).where(DataKey.workspace_id == workspace_id, DataKey.number == number)
    return session.scalars(wanted).one()


def sealed_key(row: DataKey) -> tuple[Sealed, Place]:
    """Return the key as it is stored, and where it belongs."""
    return Sealed(row.ciphertext, row.nonce, row.key_id), Place(row.workspace_id, row.id, row.number)


def _opened(vault: Vault, row: DataKey) -> bytes:
    key = vault.opened.get(row.id)
    if key is None:
        key = base64.b64decode(vault.open(*sealed_key(row)))
        if len(vault.opened) >= _OPENED_MAX:
            vault.opened.clear()
        vault.opened[row.id] = key
    return key
