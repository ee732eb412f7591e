"""Carries evaluations on: one transaction each, and a second time changes nothing."""

from __future__ import annotations

import logging
from datetime import datetime

from signoff.evaluations.actions import due_datasets, evaluate_by_itself
from signoff.evaluations.progress import begin_evaluation, end_evaluated, start_next
from signoff.gateways.services import Services
from signoff.kit import clock
from signoff.kit.faultpoints import faultpoint
from signoff.record.outbox import Message
from signoff.tables.session import Store

_log = logging.getLogger(__name__)


async def begin(services: Services, message: Message) -> None:
    """Begin an evaluation that was asked for."""
    await services.store.write_async(begin_evaluation, message.payload["evaluation"])
    faultpoint("evaluation-begun-not-acked")


async def look_at_datasets(store: Store, now: datetime | None = None) -> int:
    """Ask for what is due by itself, each in a transaction of its own. Returns how many were asked for."""
    asked, moment = 0, now or clock.now()
    for dataset_id in await store.read_async(due_datasets, moment):
        try:
            asked += await store.write_async(evaluate_by_itself, dataset_id, moment)
        except Exception:  # noqa: BLE001  # One that cannot be asked for must not keep the others.
            _log.exception("dataset %s could not be evaluated by itself; the next sweep tries again", dataset_id)
    return asked


async def go_on(services: Services, message: Message) -> None:
    """Start the run of its next example."""
    await services.store.write_async(start_next, message.payload["evaluation"])
    faultpoint("evaluation-started-not-acked")


async def score(services: Services, message: Message) -> None:
    """Score a run that is over."""
    await services.store.write_async(end_evaluated, message.payload["run_id"])
    faultpoint("evaluation-scored-not-acked")
