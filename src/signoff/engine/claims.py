"""Which outbox messages a relay takes: never more than it has room for, and every workspace in its turn."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record.outbox import Message
from signoff.runs.actions import SHADOW, START
from signoff.tables.record import OutboxMessage

_WORKSPACES_MAX = 200
_OTHERS_MAX = 50


def has_due(session: Session, *, starts: bool, shadows: bool = True) -> bool:
    """Return whether some message is due; `starts` False when there is no room for runs anyway, `shadows` likewise."""
    found = select(OutboxMessage.id).where(*_due()).limit(1)
    waits = [kind for kind, has_room in ((START, starts), (SHADOW, shadows)) if not has_room]
    if waits:
        found = found.where(OutboxMessage.kind.not_in(waits))
    return session.scalar(found) is not None


def claim_fairly(session: Session, *, worker: str, free: int, turn: int, spare: int = _OTHERS_MAX) -> list[Message]:
    """Claim up to `free` runs to start, shared among the workspaces that wait, and any other messages.

    `turn` rotates who comes first, so that with one free place nobody is always second. What asks for a shadow comes
    last, and only while fewer than `spare` others start: whoever waits for an answer does not wait for a rehearsal.
    """
    rows = _take(session, (OutboxMessage.kind.not_in((START, SHADOW)),), _OTHERS_MAX)
    workspaces = _waiting_workspaces(session) if free > 0 else []
    offset = turn % len(workspaces) if workspaces else 0
    ordered = workspaces[offset:] + workspaces[:offset]
    taken = 0
    # A second round gives what some did not need to those who wait with more.
    for share in (max(free // len(ordered), 1) if ordered else 0, free):
        for workspace in ordered:
            if taken >= free:
                break
            mine = _take(
                session,
                (
                    OutboxMessage.kind == START,
                    OutboxMessage.workspace_id == workspace,
                    OutboxMessage.id.not_in([row.id for row in rows]),
                ),
                min(share, free - taken),
            )
            rows += mine
            taken += len(mine)
    if spare > taken:
        rows += _take(session, (OutboxMessage.kind == SHADOW,), spare - taken)
    moment = clock.now()
    for row in rows:
        row.claimed_by, row.claimed_at, row.attempts = worker, moment, row.attempts + 1
    session.flush()
    return [Message(row.id, row.workspace_id, row.kind, row.payload, row.attempts) for row in rows]


def _due() -> tuple[ColumnElement[bool], ...]:
    return (
        OutboxMessage.done_at.is_(None),
        OutboxMessage.claimed_by.is_(None),
        OutboxMessage.due_at <= clock.now(),
    )


def _take(session: Session, conditions: tuple[ColumnElement[bool], ...], limit: int) -> list[OutboxMessage]:
    wanted = (
        select(OutboxMessage)
        .where(*_due(), *conditions)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(wanted).all())


def _waiting_workspaces(session: Session) -> list[str]:
    """Return who waits, by hopping from one workspace to the next in the index: the length of a queue costs nothing."""
    found: list[str] = []
    while len(found) < _WORKSPACES_MAX:
        following = session.scalar(_next_workspace(found[-1] if found else ""))
        if following is None:
            return found
        found.append(following)
    return found


def _next_workspace(after: str) -> Select[str]:
    return (
        select(OutboxMessage.workspace_id)
        .where(
            OutboxMessage.done_at.is_(None),
            OutboxMessage.kind == START,
            OutboxMessage.claimed_by.is_(None),
            OutboxMessage.workspace_id > after,
        )
        .order_by(OutboxMessage.workspace_id)
        .limit(1)
    )
