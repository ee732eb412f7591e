"""Has requests to people looked at when their time has come, and those of runs that are over withdrawn; by every
worker, because each look is conditional.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from signoff.approvals.due import due, left_over, look_again, withdraw_left_over
from signoff.tables.session import Store

_log = logging.getLogger(__name__)


async def look_at_due(store: Store) -> int:
    """Look at what is due, each in a transaction of its own. Returns how many had something due."""
    return await _each(store, await store.read_async(due), look_again)


async def withdraw_forgotten(store: Store) -> int:
    """Withdraw what runs that are over still ask, each in a transaction of its own. Returns how many."""
    return await _each(store, await store.read_async(left_over), withdraw_left_over)


async def _each(store: Store, approval_ids: Sequence[str], work: Callable[[Session, str], bool]) -> int:
    done = 0
    for approval_id in approval_ids:
        try:
            done += await store.write_async(work, approval_id)
        except Exception:  # noqa: BLE001  # One that cannot be looked at must not keep the others.
            _log.exception("request %s could not be looked at; the next sweep tries again", approval_id)
    return done
