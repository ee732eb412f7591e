"""Has agents in production followed: begun with, their days judged, their reviews made; by every worker, because each
look is conditional."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from signoff.kit import clock
from signoff.releases.follow_up.opening import (
    begin_follow_up,
    due_follow_ups,
    look_at_follow_up,
    look_at_overdue,
    overdue_reviews,
    unfollowed,
)
from signoff.releases.refusals import ReleaseMoved
from signoff.tables.session import Store

_log = logging.getLogger(__name__)


async def follow_agents(store: Store, now: datetime | None = None) -> int:
    """Begin with, and look at, what is due, each in a transaction of its own. Returns how many were."""
    moment = now or clock.now()
    done = 0
    for which in await store.read_async(unfollowed):
        done += await _one(store, begin_follow_up, which, moment)
    for follow_up in await store.read_async(due_follow_ups, moment):
        done += await _one(store, look_at_follow_up, follow_up, moment)
    for review in await store.read_async(overdue_reviews, moment):
        done += await _one(store, look_at_overdue, review, moment)
    return done


async def _one(store: Store, look: Callable[..., Any], what: Any, now: datetime) -> bool:
    try:
        return bool(await store.write_async(look, what, now))
    except ReleaseMoved:
        return False  # Another worker looked at it at the same moment, or a person decided.
    except Exception:  # noqa: BLE001  # One that cannot be looked at must not keep the others.
        _log.exception("%s could not be followed; the next sweep tries again", what)
        return False
