"""How much of a rate was taken by all processes together: handed out in shares, so that few requests ask the database.

One row for each key that uses more than a little of its limit, with what was taken in each pair of seconds of the last
minute. The row is locked while it is read and written, so that two processes never take the same share.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.people import RateCount
from signoff.tables.upsert import in_each

_SLOT_SECONDS, _WINDOW_SECONDS = 2, 60
_counts = cast("Table", RateCount.__table__)
_ADD: dict[str, Any] = in_each(_counts, lambda new: new.on_conflict_do_nothing(index_elements=["key_hash"]))


@dataclass(frozen=True, slots=True)
class Share:
    """How many were granted, how many all processes together may still take, and the seconds until more come back."""

    granted: int
    left: int
    reset_seconds: int


def take_share(session: Session, key: str, wanted: int, *, per_minute: int) -> Share:
    """Take up to `wanted` of what `key` may do in a minute, over all processes."""
    digest = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    moment = _now_seconds()
    slot = math.floor(moment / _SLOT_SECONDS)
    session.execute(_ADD[session.connection().dialect.name], {"key_hash": digest, "slots": {}, "last_at": int(moment)})
    held = session.scalars(select(RateCount.slots).where(RateCount.key_hash == digest).with_for_update()).one()
    # A slot counts whole until all of it is a minute ago, so no minute holds more than the limit.
    first = slot - _WINDOW_SECONDS // _SLOT_SECONDS
    kept = {int(name): int(count) for name, count in held.items() if int(name) >= first}
    granted = max(0, min(wanted, per_minute - sum(kept.values())))
    if granted:
        kept[slot] = kept.get(slot, 0) + granted
        session.execute(
            update(RateCount)
            .where(RateCount.key_hash == digest)
            .values(slots={str(name): count for name, count in kept.items()}, last_at=int(moment))
        )
    oldest = min(kept, default=slot)
    reset = math.ceil((oldest + 1) * _SLOT_SECONDS + _WINDOW_SECONDS - moment)
    return Share(granted, per_minute - sum(kept.values()), max(1, reset))


def sweep_counts(session: Session) -> int:
    """Delete what has nothing to say any more; return how many."""
    gone = session.execute(delete(RateCount).where(RateCount.last_at < _now_seconds() - 2 * _WINDOW_SECONDS))
    return int(getattr(gone, "rowcount", 0))


def _now_seconds() -> float:
    return clock.now().timestamp()
