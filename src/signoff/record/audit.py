"""The audit: one row per privileged action, in its transaction, each chained to the one before by hash."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol, cast

from sqlalchemy import Row, Select, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.canonical import content_hash
from signoff.record.actor import Actor
from signoff.tables.prepared import Prepared
from signoff.tables.record import AuditCheckpoint, AuditHead, AuditRow

GENESIS = "0" * 64
# The action that tells of rows whose time was over.
PRUNED = "audit.pruned"

_rows = cast("Table", AuditRow.__table__)
_heads = cast("Table", AuditHead.__table__)
_ADD = Prepared(insert(_rows))
_FIRST = Prepared(insert(_heads))
_of_workspace = _heads.c.workspace_id == bindparam("of_workspace")
_TAKE = Prepared(
    update(_heads).where(_of_workspace).values(seq=_heads.c.seq + 1).returning(_heads.c.seq, _heads.c.hash)
)
_CLOSE = Prepared(update(_heads).where(_of_workspace).values(hash=bindparam("of_hash")))


def write(
    session: Session,
    *,
    workspace_id: str,
    actor: Actor,
    action: str,
    object_kind: str,
    object_id: str,
    detail: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    revision_id: str | None = None,
) -> None:
    """Add one row. `detail` is plain JSON and holds no secret, no body, no e-mail text.

    When the actor used an API key, the detail names it as `by_key`: an account has several, and one may leak. What was
    asked for through a way in of its own says so as `origin`.

    Args:
        run_id: the run that acts or is acted on; the actor's own unless said.
        revision_id: the revision that acts or is acted on; likewise.
    """
    seq, previous = _next_link(session, workspace_id)
    row = SimpleNamespace(
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
        run_id=run_id or actor.run_id,
        revision_id=revision_id or actor.revision_id,
        detail={**(detail or {}), **_how(actor)},
        previous_hash=previous,
        hash="",
    )
    row.hash = row_hash(row)
    # By plain statements: a run writes several rows, and the object mapper costs more than the database.
    _ADD.run(session, vars(row))
    _CLOSE.run(session, {"of_workspace": workspace_id, "of_hash": row.hash})


def _how(actor: Actor) -> dict[str, str]:
    told = {"by_key": actor.key_id, "origin": actor.origin}
    return {name: value for name, value in told.items() if value}


class Doer(Protocol):
    """Whoever does something in a workspace: a principal."""

    @property
    def workspace_id(self) -> str:
        """Where it is done."""
        ...

    @property
    def actor(self) -> Actor:
        """Who the row names."""
        ...


def note(
    session: Session,
    doer: Doer,
    action: str,
    object_kind: str,
    object_id: str,
    detail: Mapping[str, Any] | None = None,
    *,
    run_id: str | None = None,
    revision_id: str | None = None,
) -> None:
    """Add one row about what somebody did in their own workspace: `write`, with who and where taken from them."""
    write(
        session,
        workspace_id=doer.workspace_id,
        actor=doer.actor,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        detail=detail,
        run_id=run_id,
        revision_id=revision_id,
    )


def _next_link(session: Session, workspace_id: str) -> tuple[int, str]:
    """Return the number of the next row and the hash of the one before."""
    # The update takes the row's lock until commit: two writers cannot both follow the same link.
    taken = _TAKE.first(session, {"of_workspace": workspace_id})
    if taken is not None:
        return taken.seq, taken.hash
    _FIRST.run(session, {"workspace_id": workspace_id, "seq": 1, "hash": GENESIS})
    return 1, GENESIS


def row_hash(row: Any) -> str:
    """Return the hash a row must carry. A field that older rows do not have is not part of theirs."""
    value = {
        "workspace": row.workspace_id,
        "seq": row.seq,
        "at": row.at.isoformat(),
        "actor": [row.actor_kind, row.actor_id, row.actor_name],
        "action": row.action,
        "object": [row.object_kind, row.object_id],
        "detail": row.detail,
        "previous": row.previous_hash,
    }
    if row.run_id is not None or row.revision_id is not None:
        value["as"] = [row.run_id, row.revision_id]
    return content_hash(value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking a chain found: how many rows hold, from which number on, and the first row that does not."""

    rows: int
    first_broken_seq: int | None = None
    reason: str = ""
    from_seq: int = 1


def verify(session: Session, workspace_id: str) -> Verdict:
    """Walk the whole chain of a workspace, from its last checkpoint on, and name the first row that does not hold."""
    start = start_of(session, workspace_id)
    expected, previous, is_witnessed = start.seq + 1, start.hash, start.seq == 0

    def broken(reason: str, seq: int | None = None) -> Verdict:
        return Verdict(expected - 1 - start.seq, seq or expected, reason, start.seq + 1)

    head: Row[Any] | None = None
    # Closed at the first broken row too: a chain of millions is read through a server-side cursor, and as plain rows.
    with closing(session.execute(_chain(workspace_id, start.seq).execution_options(yield_per=1_000))) as rows:
        for row in rows:
            head = row
            reason = _fault(session, row, expected, previous)
            if reason:
                return broken(reason)
            is_witnessed = is_witnessed or _is_about(row, start)
            expected, previous = expected + 1, row.hash
    if not is_witnessed:
        return broken("the checkpoint it begins with is not one the chain speaks of", start.seq)
    end = _end(session, workspace_id, start.seq) if head is None else End(head.head_seq, head.head_hash)
    if end.seq is not None and end.seq < expected - 1 and hash_at(session, workspace_id, end.seq) == end.hash:
        return Verdict(end.seq - start.seq, end.seq + 1, "it was added behind the head of the chain", start.seq + 1)
    reason = _fault_at_end(end, expected - 1, previous)
    return broken(reason) if reason else Verdict(expected - 1 - start.seq, from_seq=start.seq + 1)


@dataclass(frozen=True, slots=True)
class Start:
    """The link before the first row that is kept: number 0 while nothing was let go."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class End:
    """The last link, as the head of the chain names it; None: there is no head."""

    seq: int | None
    hash: str | None


def _chain(workspace_id: str, after: int) -> Select[Any]:
    # With each row its head, in one statement: read by itself, later, it would name rows that were written meanwhile,
    # and a chain that is written to would seem cut off.
    head = (_heads.c.seq.label("head_seq"), _heads.c.hash.label("head_hash"))
    return (
        select(*_rows.c, *head)
        .outerjoin(_heads, _heads.c.workspace_id == _rows.c.workspace_id)
        .where(_rows.c.workspace_id == workspace_id, _rows.c.seq > after)
        .order_by(_rows.c.seq)
    )


def _end(session: Session, workspace_id: str, after: int) -> End:
    """Return the end of a chain that had no rows: where it has some by now, it is as it was."""
    rows = select(_rows.c.id).where(_rows.c.workspace_id == workspace_id, _rows.c.seq > after)
    found = session.execute(
        select(_heads.c.seq, _heads.c.hash).where(_heads.c.workspace_id == workspace_id, ~rows.exists())
    ).one_or_none()
    return End(found.seq, found.hash) if found is not None else End(None, None)


def start_of(session: Session, workspace_id: str) -> Start:
    """Return where the chain of a workspace begins."""
    found = session.execute(
        select(AuditCheckpoint.seq, AuditCheckpoint.hash)
        .where(AuditCheckpoint.workspace_id == workspace_id)
        .order_by(AuditCheckpoint.seq.desc())
        .limit(1)
    ).one_or_none()
    return Start(found.seq, found.hash) if found is not None else Start(0, GENESIS)


def _is_about(row: Any, start: Start) -> bool:
    """Return whether a row tells of letting go of everything up to `start`."""
    return row.action == PRUNED and row.detail.get("seq") == start.seq and row.detail.get("hash") == start.hash


def _fault(session: Session, row: Any, expected: int, previous: str) -> str:
    if row.seq != expected:
        return f"row {expected} is missing"
    is_changed = row.hash != row_hash(row)
    if row.previous_hash == previous:
        return "its content was changed" if is_changed else ""
    if not is_changed:
        return "it does not follow the row before it"
    return "it was moved here from another place" if _is_link(session, row) else "its content was changed"


def _is_link(session: Session, row: Any) -> bool:
    """Return whether what the row says it follows stands somewhere else in the chain: then rows changed places."""
    if row.previous_hash == GENESIS:
        return True
    other = select(_rows.c.id).where(_rows.c.workspace_id == row.workspace_id, _rows.c.hash == row.previous_hash)
    return session.execute(other.limit(1)).first() is not None


def end_of(session: Session, workspace_id: str) -> End:
    """Return the last link of a chain, as its head names it."""
    found = session.execute(select(_heads.c.seq, _heads.c.hash).where(_of_workspace), {"of_workspace": workspace_id})
    row = found.one_or_none()
    return End(row.seq, row.hash) if row is not None else End(None, None)


def last_row(session: Session, workspace_id: str) -> AuditRow | None:
    """Return the newest row; None where none is left."""
    of_workspace = select(AuditRow).where(AuditRow.workspace_id == workspace_id)
    return session.scalar(of_workspace.order_by(AuditRow.seq.desc()).limit(1))


def hash_at(session: Session, workspace_id: str, seq: int) -> str | None:
    """Return the hash of one row; None where there is no such row."""
    return session.scalar(select(_rows.c.hash).where(_rows.c.workspace_id == workspace_id, _rows.c.seq == seq))


def _fault_at_end(end: End, last: int, previous: str) -> str:
    if end.seq is None:
        # No workspace is without a row: founding it writes the first. Where none is left, all were taken away.
        return "the head of the chain is missing"
    if end.seq > last:
        return "rows at the end are missing"
    return "the head of the chain was changed" if (end.seq, end.hash) != (last, previous) else ""
