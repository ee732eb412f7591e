"""What changing a secret asks for, whoever changes it: the right, and a reason where it matters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from signoff.connections.lookup import secret_for
from signoff.connections.states import Sensitivity
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal, can
from signoff.record import audit
from signoff.tables.connections import Secret

REASON_CHARS_MAX = 500
_YEARS_MAX = timedelta(days=36_525)


def secret_to_change(session: Session, principal: Principal, secret_id: str) -> Secret:
    """Return the secret, if the caller may change it: a shared one with the right to manage secrets, a personal one as
    its owner or an administrator.

    Raises:
        NotFound: it is not in the caller's workspace and environment.
        NotAllowed: the caller may not.
    """
    row = session.get(Secret, secret_id)
    is_here = row is not None and row.workspace_id == principal.workspace_id  # Foreign is told like made up.
    if row is None or not is_here or row.principal != "personal":
        return secret_for(session, principal, secret_id, "secret.manage")
    secret_for(session, principal, secret_id, "secret.read")
    if not can(principal, "secret.manage_personal", owners=(row.owner_id,)):
        raise NotAllowed(
            f"{row.name} is the personal login of {row.owner_name or 'someone else'}. Only they or an administrator "
            "may change it or give it to agents.",
            extra={"required": "secret.manage_personal", "role": principal.role},
            code="personal_secret",
        )
    return row


def checked_reason(row: Secret, reason: str) -> str:
    """Return the reason as it is kept.

    Raises:
        Malformed: the secret is of high sensitivity and no reason was given.
    """
    kept = storable(reason).strip()[:REASON_CHARS_MAX]
    high: Sensitivity = "high"
    if row.sensitivity == high and not kept:
        sentence = f"{row.name} is of high sensitivity. Say why, for whoever reads the audit later."
        raise Malformed(sentence, errors={"reason": [sentence]}, code="reason_needed")
    return kept


def checked_date(moment: datetime | None) -> datetime | None:
    """Return when a value runs out, as it is kept.

    Raises:
        Malformed: the moment has no time zone, or is more than a hundred years away.
    """
    if moment is None:
        return None
    if moment.tzinfo is None or abs(moment - clock.now()) > _YEARS_MAX:
        sentence = "Give a date with its time zone, within a hundred years."
        raise Malformed(sentence, errors={"expires_at": [sentence]})
    return moment


def change(session: Session, row: Secret, values: Mapping[str, object]) -> None:
    """Change the row, unless somebody else put in another version meanwhile.

    Raises:
        NotNow: somebody did.
    """
    result = session.execute(update(Secret).where(Secret.id == row.id, Secret.version == row.version).values(**values))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotNow("Somebody else replaced this secret meanwhile.", code="stale_secret")
    session.refresh(row)


def note(session: Session, principal: Principal, row: Secret, event: str, **more: Any) -> None:
    """Write the audit's row: names, places and versions, never a value."""
    audit.write(
        session,
        workspace_id=row.workspace_id,
        actor=principal.actor,
        action=event,
        object_kind="secret",
        object_id=row.id,
        detail={
            "name": row.name,
            "connection": row.connection_id,
            "hosts": row.hosts,
            "version": row.version,
            **{name: value for name, value in more.items() if value not in (None, "")},
        },
    )
