"""Which outbox messages a relay takes: never more than it has room for, and every workspace in its turn."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from signoff.evaluations.progress import NEXT
from signoff.kit import clock
from signoff.record.outbox import Message
from signoff.runs.actions import SHADOW, START
from signoff.tables.record import OutboxMessage

# What begins a rehearsal.
REHEARSING = (SHADOW, NEXT)
_WORKSPACES_MAX = 200
_KINDS_MAX = 100
_OTHERS_MAX = 50


def has_due(session: Session, *, starts: bool, rehearsals: bool = True) -> bool:
    """Return whether some message is due; `starts` False when there is no room for runs, `rehearsals` likewise."""
    found = select(OutboxMessage.id).where(*_due()).limit(1)
    waits = [*(() if starts else (START,)), *(() if rehearsals else REHEARSING)]
    if waits:
        kinds = [kind for kind in _waiting_kinds(session) if kind not in waits]
        if not kinds:
            return False
        found = found.where(OutboxMessage.kind.in_(kinds))
    return session.scalar(found) is not None


def claim_fairly(session: Session, *, worker: str, free: int, turn: int, spare: int = _OTHERS_MAX) -> list[Message]:
    """Claim up to `free` runs to start, shared among the workspaces that wait, and any other messages.

    `turn` rotates who comes first, so that with one free place nobody is always second. What begins a rehearsal comes
    last, and only while fewer than `spare` others start: whoever waits for an answer does not wait for a rehearsal.
    """
    others = [kind for kind in _waiting_kinds(session) if kind not in (START, *REHEARSING)]
    rows = _take(session, (OutboxMessage.kind.in_(others),), _OTHERS_MAX) if others else []
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
        rows += _take(session, (OutboxMessage.kind.in_(REHEARSING),), spare - taken)
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
    """Return who waits for a run to start."""
    return _hop(session, OutboxMessage.workspace_id, _WORKSPACES_MAX, OutboxMessage.kind == START)


def _waiting_kinds(session: Session) -> list[str]:
    """Return the kinds of messages that nobody holds. Asked by kind, and not by what they are not: past thousands of
    runs that wait to start, it would be looked for one by one, with every claim."""
    return _hop(session, OutboxMessage.kind, _KINDS_MAX)


def _hop(
    session: Session, column: InstrumentedAttribute[str], limit: int, *conditions: ColumnElement[bool]
) -> list[str]:
    """Return the values of `column`, from one to the next in the index: the length of a queue costs nothing."""
    found: list[str] = []
    while len(found) < limit:
        following = session.scalar(
            select(column)
            .where(
                OutboxMessage.done_at.is_(None),
                OutboxMessage.claimed_by.is_(None),
                *conditions,
                column > (found[-1] if found else ""),
            )
            .order_by(column)
            .limit(1)
        )
        if following is None:
            return found
        found.append(following)
    return found
