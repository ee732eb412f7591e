"""Has requests to people looked at when their time has come; by every worker, because each look is conditional."""

from __future__ import annotations

import logging

from signoff.approvals.due import due, look_again
from signoff.tables.session import Store

_log = logging.getLogger(__name__)


async def look_at_due(store: Store) -> int:
    """Look at what is due, each in a transaction of its own. Returns how many had something due."""
    looked = 0
    for approval_id in await store.read_async(due):
        try:
            looked += await store.write_async(look_again, approval_id)
        except Exception:  # noqa: BLE001  # One that cannot be looked at must not keep the others.
            _log.exception("request %s could not be looked at; the next sweep tries again", approval_id)
    return looked
