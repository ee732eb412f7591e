"""The outbox: what must happen above in consequence of a change, written with the change.

A message is claimed by one worker, done once, and offered again when its claimer dies or knows nothing of its claim.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import String, Table, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.tables.prepared import Prepared, connection_of
from signoff.tables.record import OutboxMessage
from signoff.tables.session import after_commit

CHANNEL = "signoff_outbox"
_ADD = Prepared(insert(cast("Table", OutboxMessage.__table__)))
_NOTIFY = Prepared(select(func.pg_notify(bindparam("channel", type_=String), "")))

# Set by the engine of this process: wakes its relay as soon as a message is durable.
_listeners: list[Callable[[], None]] = []


@dataclass(frozen=True, slots=True)
class Message:
    """One claimed message."""

    id: str
    workspace_id: str
    kind: str
    payload: dict[str, Any]
    attempts: int


def listen(callback: Callable[[], None]) -> Callable[[], None]:
    """Call `callback` (from any thread) after each commit that left a message. Returns how to stop."""
    _listeners.append(callback)
    return lambda: _listeners.remove(callback) if callback in _listeners else None


def send(
    session: Session, *, workspace_id: str, kind: str, payload: Mapping[str, Any], due_at: datetime | None = None
) -> str:
    """Leave a message, to be acted on once the transaction is durable and `due_at` has come. Returns its id."""
    message_id = ids.new_id("out")
    moment = clock.now()
    _ADD.run(
        session,
        {
            "id": message_id, "workspace_id": workspace_id, "kind": kind, "payload": dict(payload),
            "created_at": moment, "due_at": due_at or moment, "attempts": 0,
        },
    )  # fmt: skip
    if connection_of(session).dialect.name == "postgresql":
        # Delivered by Postgres at commit, to the relays of all processes.
        _NOTIFY.first(session, {"channel": CHANNEL})
    if not session.info.get("signoff.outbox_wake"):
        session.info["signoff.outbox_wake"] = True
        after_commit(session, _wake)
    return message_id


def _wake() -> None:
    # A copy: a listener may stop listening while others are being told.
    for callback in tuple(_listeners):
        callback()


def claim(session: Session, *, worker: str, limit: int) -> list[Message]:
    """Take up to `limit` due messages that nobody holds, oldest first."""
    due = (
        select(OutboxMessage)
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.claimed_by.is_(None), OutboxMessage.due_at <= clock.now())
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.scalars(due).all()
    moment = clock.now()
    for row in rows:
        row.claimed_by, row.claimed_at, row.attempts = worker, moment, row.attempts + 1
    session.flush()
    return [Message(row.id, row.workspace_id, row.kind, row.payload, row.attempts) for row in rows]


def done(session: Session, message_ids: list[str]) -> None:
    """Mark messages as acted on."""
    session.execute(
        update(OutboxMessage).where(OutboxMessage.id.in_(message_ids)).values(done_at=clock.now(), claimed_by=None)
    )


def release(session: Session, message_id: str, *, error: str, due_at: datetime) -> None:
    """Offer a message again at `due_at`, with the reason it failed."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None))
        .values(claimed_by=None, claimed_at=None, last_error=error[:2000], due_at=due_at)
    )


def release_claims_of_the_dead(session: Session, living: list[str]) -> int:
    """Offer again what workers that no longer live had claimed. Returns how many."""
    condition = OutboxMessage.claimed_by.not_in(living) if living else or_(OutboxMessage.claimed_by.is_not(None))
    result = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.done_at.is_(None), OutboxMessage.claimed_by.is_not(None), condition)
        .values(claimed_by=None, claimed_at=None)
    )
    return int(getattr(result, "rowcount", 0))


def release_own_claims(session: Session, *, worker: str, in_hand: Collection[str], before: datetime) -> int:
    """Offer again what `worker` claimed before then and does not have in hand. Returns how many.

    A claim whose commit was made though its confirmation was lost is such a one: nobody carries it.
    """
    result = session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.done_at.is_(None),
            OutboxMessage.claimed_by == worker,
            OutboxMessage.claimed_at < before,
            OutboxMessage.id.not_in(in_hand),
        )
        .values(claimed_by=None, claimed_at=None)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(result, "rowcount", 0))
