"""Carries evaluations on: one transaction each, and a second time changes nothing."""

from __future__ import annotations

from signoff.evaluations.progress import begin_evaluation, end_evaluated, start_next
from signoff.gateways.services import Services
from signoff.kit.faultpoints import faultpoint
from signoff.record.outbox import Message


async def begin(services: Services, message: Message) -> None:
    """Begin an evaluation that was asked for."""
    await services.store.write_async(begin_evaluation, message.payload["evaluation"])
    faultpoint("evaluation-begun-not-acked")


async def go_on(services: Services, message: Message) -> None:
    """Start the run of its next example."""
    await services.store.write_async(start_next, message.payload["evaluation"])
    faultpoint("evaluation-started-not-acked")


async def score(services: Services, message: Message) -> None:
    """Score a run that is over."""
    await services.store.write_async(end_evaluated, message.payload["run_id"])
    faultpoint("evaluation-scored-not-acked")
