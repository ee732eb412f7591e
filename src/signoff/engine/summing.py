"""Has the hours that are over summed, once an hour; by every worker, because an hour summed twice is the same."""

from __future__ import annotations

import logging

from signoff.kit import clock
from signoff.tables.session import Store
from signoff.watch.rollup import PAGE, Rolling, due, last_due, roll_up

_log = logging.getLogger(__name__)


async def sum_hours(store: Store, rolling: Rolling) -> int:
    """Sum what is due, each workspace in a transaction of its own. Returns how many workspaces had something due."""
    if not rolling.is_due():
        return 0
    now, after, number = clock.now(), "", 0
    while True:
        found = await store.read_async(due, now, after=after)
        for workspace in found:
            try:
                await store.write_async(roll_up, workspace, now)
            except Exception:  # noqa: BLE001  # One that cannot be summed must not keep the others.
                _log.exception("the hours of %s could not be summed; the next hour tries again", workspace.workspace_id)
        number += len(found)
        if len(found) < PAGE:
            rolling.done(last_due(now))
            return number
        after = found[-1].workspace_id
