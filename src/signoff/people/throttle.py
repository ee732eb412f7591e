"""How often something may be tried, counted in the database: the limit holds over all processes, and a restart.

One row for each thing that was tried lately, with the moment when its whole allowance is back; each attempt moves that
moment on, in one conditional update, so that of attempts at the same instant none is counted twice or not at all.
"""

from __future__ import annotations

import hashlib
import math
from typing import cast

from sqlalchemy import CursorResult, Table, case, delete, func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.people import Throttle
from signoff.tables.upsert import in_each

_throttles = cast("Table", Throttle.__table__)
_ADD = in_each(
    _throttles, lambda new: new.on_conflict_do_nothing(index_elements=["key_hash"]).returning(_throttles.c.key_hash)
)


def take(session: Session, key: str, *, per_minute: float, at_once: int) -> int:
    """Count one attempt for `key`. Returns 0 when it may be made, else the seconds until one may be.

    Args:
        at_once: attempts that may follow each other without a pause; they come back at `per_minute`.
    """
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    moment_ms, each_ms = _now_ms(), math.ceil(60_000 / per_minute)
    latest_ms = moment_ms + at_once * each_ms
    if _move_on(session, digest, moment_ms, each_ms, latest_ms):
        return 0
    full_at_ms = session.scalar(select(Throttle.full_at_ms).where(Throttle.key_hash == digest))
    if full_at_ms is None:
        connection = session.connection()
        row = {"key_hash": digest, "full_at_ms": moment_ms + each_ms}
        if connection.execute(_ADD[connection.dialect.name], row).scalar_one_or_none() is not None:
            return 0
        # Somebody made the row in the same instant.
        if _move_on(session, digest, moment_ms, each_ms, latest_ms):
            return 0
        full_at_ms = session.scalar(select(Throttle.full_at_ms).where(Throttle.key_hash == digest)) or latest_ms
    return max(1, math.ceil((full_at_ms + each_ms - latest_ms) / 1000))


def _move_on(session: Session, digest: str, moment_ms: int, each_ms: int, latest_ms: int) -> bool:
    after = case((Throttle.full_at_ms > moment_ms, Throttle.full_at_ms), else_=moment_ms) + each_ms
    moved = session.execute(
        update(Throttle)
        .where(Throttle.key_hash == digest, after <= latest_ms)
        .values(full_at_ms=after)
        .execution_options(synchronize_session=False)
    )
    return isinstance(moved, CursorResult) and moved.rowcount == 1


def forget(session: Session, key: str) -> None:
    """Give `key` its whole allowance back."""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    session.execute(delete(Throttle).where(Throttle.key_hash == digest))


def keep(session: Session, key: str, seconds: int) -> None:
    """Remember `key` for so long: `is_kept` tells, until the time is over or `forget` was called."""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    row = {"key_hash": digest, "full_at_ms": _now_ms() + seconds * 1000}
    connection = session.connection()
    if connection.execute(_ADD[connection.dialect.name], row).scalar_one_or_none() is None:
        session.execute(
            update(Throttle)
            .where(Throttle.key_hash == digest)
            .values(full_at_ms=row["full_at_ms"])
            .execution_options(synchronize_session=False)
        )


def is_kept(session: Session, key: str) -> bool:
    """Return whether `key` was told to be remembered, and its time is not over."""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    kept = select(func.count()).where(Throttle.key_hash == digest, Throttle.full_at_ms > _now_ms())
    return bool(session.scalar(kept))


def sweep_throttles(session: Session) -> int:
    """Delete what has its whole allowance back; return how many."""
    gone = session.execute(delete(Throttle).where(Throttle.full_at_ms < _now_ms()))
    return int(getattr(gone, "rowcount", 0))


def _now_ms() -> int:
    return int(clock.now().timestamp() * 1000)
