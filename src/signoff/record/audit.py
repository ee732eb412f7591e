"""The audit: one row per privileged action, in its transaction, each chained to the one before by hash."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.canonical import content_hash
from signoff.record.actor import Actor
from signoff.tables.record import AuditHead, AuditRow

GENESIS = "0" * 64

_rows = cast("Table", AuditRow.__table__)
_heads = cast("Table", AuditHead.__table__)
_COLUMNS = tuple(_rows.c.keys())
_ADD = insert(_rows)
_FIRST = insert(_heads)
_of_workspace = _heads.c.workspace_id == bindparam("of_workspace")
_TAKE = update(_heads).where(_of_workspace).values(seq=_heads.c.seq + 1).returning(_heads.c.seq, _heads.c.hash)
_CLOSE = update(_heads).where(_of_workspace).values(hash=bindparam("of_hash"))


def write(
    session: Session,
    *,
    workspace_id: str,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add one row. `detail` is plain JSON and holds no secret, no body, no e-mail text.

    When the actor used an API key, the detail names it as `by_key`: an account has several, and one may leak.
    """
    seq, previous = _next_link(session, workspace_id)
    row = AuditRow(
        id=ids.new_id("aud"),
        workspace_id=workspace_id,
        seq=seq,
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        detail={**(detail or {}), **({"by_key": actor.key_id} if actor.key_id else {})},
        previous_hash=previous,
        hash="",
    )
    row.hash = row_hash(row)
    # By plain statements: a run writes several rows, and the object mapper costs more than the database.
    connection = session.connection()
    connection.execute(_ADD, {name: getattr(row, name) for name in _COLUMNS})
    connection.execute(_CLOSE, {"of_workspace": workspace_id, "of_hash": row.hash})


def _next_link(session: Session, workspace_id: str) -> tuple[int, str]:
    """Return the number of the next row and the hash of the one before."""
    # The update takes the row's lock until commit: two writers cannot both follow the same link.
    taken = session.connection().execute(_TAKE, {"of_workspace": workspace_id}).one_or_none()
    if taken is not None:
        return taken.seq, taken.hash
    session.connection().execute(_FIRST, {"workspace_id": workspace_id, "seq": 1, "hash": GENESIS})
    return 1, GENESIS


def row_hash(row: AuditRow) -> str:
    """Return the hash a row must carry."""
    return content_hash(
        {
            "workspace": row.workspace_id,
            "seq": row.seq,
            "at": row.at.isoformat(),
            "actor": [row.actor_kind, row.actor_id, row.actor_name],
            "action": row.action,
            "object": [row.object_kind, row.object_id],
            "detail": row.detail,
            "previous": row.previous_hash,
        }
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a chain found: how many rows hold, and the first that does not."""

    rows: int
    first_broken_seq: int | None = None
    reason: str = ""


def verify(session: Session, workspace_id: str) -> Verdict:
    """Walk the whole chain of a workspace and name the first row that does not hold."""
    expected_seq, previous = 1, GENESIS
    chain = select(AuditRow).where(AuditRow.workspace_id == workspace_id).order_by(AuditRow.seq)
    # Closed at the first broken row too: a chain of millions is read through a server-side cursor.
    with closing(session.scalars(chain.execution_options(yield_per=500))) as rows:
        for row in rows:
            reason = _fault(row, expected_seq, previous)
            if reason:
                return Verdict(expected_seq - 1, expected_seq, reason)
            expected_seq, previous = expected_seq + 1, row.hash
    head = session.get(AuditHead, workspace_id)
    if head is not None and (head.seq != expected_seq - 1 or head.hash != previous):
        return Verdict(expected_seq - 1, expected_seq, "rows at the end are missing")
    return Verdict(expected_seq - 1)


def _fault(row: AuditRow, expected_seq: int, previous: str) -> str:
    if row.seq != expected_seq:
        return f"row {expected_seq} is missing"
    if row.previous_hash != previous:
        return "it does not follow the row before it"
    return "its content was changed" if row.hash != row_hash(row) else ""
