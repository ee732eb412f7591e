"""What is kept of the use of a key: when and from where, at most once a minute."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import InstrumentedAttribute, Session

from signoff.kit import clock
from signoff.people.access import Principal
from signoff.people.actions.keys import note
from signoff.tables.people import ApiKey

_USE_NOTED = timedelta(seconds=60)
_ADDRESS_CHARS_MAX = 64


def note_key_used(session: Session, key_id: str, address: str | None = None) -> bool:
    """Note a use, at most once a minute; return whether it was noted. `address`: of the network."""
    return _noted(session, key_id, ApiKey.last_used_at, ApiKey.last_used_address, address)


def note_revoked_key_used(session: Session, key_id: str, reason: str = "revoked", address: str | None = None) -> None:
    """Put the use of a key that is over into the audit, at most once a minute: somebody still has it.

    Args:
        reason: revoked, expired, rotated (an old secret), owner_disabled or owner_removed.
    """
    row = session.get(ApiKey, key_id)
    if row is None or not _noted(session, key_id, ApiKey.refused_at, ApiKey.refused_address, address):
        return
    actor = Principal("key", row.owner_id or row.id, row.name, row.workspace_id, "viewer", key_id=row.id)
    detail = {"reason": reason, **({"address": address[:_ADDRESS_CHARS_MAX]} if address else {})}
    note(session, actor, "key.used_while_revoked", row, detail)


def _noted(
    session: Session,
    key_id: str,
    at: InstrumentedAttribute[object],
    place: InstrumentedAttribute[object],
    address: str | None,
) -> bool:
    moment = clock.now()
    changed = session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, at.is_(None) | (at < moment - _USE_NOTED))
        .values({at: moment, place: address[:_ADDRESS_CHARS_MAX] if address else None})
    )
    return getattr(changed, "rowcount", 0) == 1
