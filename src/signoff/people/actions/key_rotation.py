"""A new secret for a key, in place: name, rights and history stay, and the old secret may live on for a while."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotNow
from signoff.people import tokens
from signoff.people.access import Principal
from signoff.people.actions.keys import is_future, key_of, note
from signoff.people.custom_roles import permissions_of
from signoff.people.facts import NewKey
from signoff.people.key_scopes import stay_within
from signoff.people.roles import Action
from signoff.tables.people import ApiKey

OVERLAP_SECONDS_MAX = 86_400


def rotate_key(
    session: Session,
    principal: Principal,
    key_id: str,
    *,
    overlap_seconds: int = 0,
    expires_at: datetime | None = None,
) -> NewKey:
    """Give a key a new secret.

    Args:
        overlap_seconds: how long the old secret stays good, at most a day. 0: it stops in the same instant.
        expires_at: a new end for the key. None: it ends when it would have ended.

    Raises:
        Malformed: the overlap is too long, or the end has passed.
        NotAllowed: the key is another person's, or reaches further than the caller.
        NotNow: it is revoked or expired, or somebody rotated it a moment ago.
    """
    row = key_of(session, principal, key_id)
    _check(session, principal, row, overlap_seconds, expires_at)
    prefix, key = tokens.new_key()
    moment = clock.now()
    values: dict[str, Any] = {
        "prefix": prefix,
        "key_hash": tokens.hash_of(key),
        "old_prefix": row.prefix,
        "old_key_hash": row.key_hash,
        "old_until": moment + timedelta(seconds=overlap_seconds),
        "rotated_at": moment,
        "last_used_at": None,
        "last_used_address": None,
    }
    if expires_at is not None:
        values["expires_at"] = expires_at
    same = (ApiKey.id == row.id, ApiKey.key_hash == row.key_hash, ApiKey.revoked_at.is_(None))
    changed = session.execute(update(ApiKey).where(*same).values(values))
    if getattr(changed, "rowcount", 0) != 1:
        raise NotNow("Somebody rotated or revoked this key a moment ago.", code="key_changed")
    told = {"overlap_seconds": overlap_seconds, "expires_at": expires_at.isoformat() if expires_at else None}
    note(session, principal, "key.rotated", row, {name: value for name, value in told.items() if value})
    return NewKey(row.id, key, prefix)


def _check(
    session: Session, principal: Principal, row: ApiKey, overlap_seconds: int, expires_at: datetime | None
) -> None:
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        raise Malformed(
            "The old secret can stay good for at most 24 hours.", errors={"overlap_seconds": ["0 to 86400 seconds"]}
        )
    if row.revoked_at is not None:
        raise NotNow("This key is revoked. Make a new one.", code="key_revoked")
    is_future(expires_at)
    if expires_at is None and row.expires_at is not None and row.expires_at <= clock.now():
        raise NotNow("This key has expired. Say until when it lives on, or make a new one.", code="key_expired")
    if row.owner_kind == "member" and row.owner_id != principal.id:
        raise NotAllowed(
            "This is a person's own key: its new secret would let you act in their name. You can revoke it."
        )
    scopes = cast("tuple[Action, ...]", tuple(row.scopes))
    permissions = permissions_of(session, row.workspace_id, row.role)
    stay_within(principal, row.owner_id, permissions, scopes, row.environment_id)


def end_overlap(session: Session, principal: Principal, key_id: str) -> None:
    """End the old secret of a rotated key before its time. Without one it is no error."""
    row = key_of(session, principal, key_id)
    if row.old_until is not None and row.old_until > clock.now():
        row.old_until = clock.now()
        session.flush()
        note(session, principal, "key.overlap_ended", row, {})
