"""Carries what the end of a run means for the run that asked for it, and for those it asked for."""

from __future__ import annotations

from signoff.gateways.services import Services
from signoff.kit.faultpoints import faultpoint
from signoff.record.outbox import Message
from signoff.runs import actions


async def child_ended(services: Services, message: Message) -> None:
    """Let the run that waits for one that is over go on. A second time changes nothing."""
    faultpoint("child-ended-not-told")
    await services.store.write_async(actions.wake_parent, message.payload["run_id"])
    faultpoint("parent-woken-not-acked")


async def parent_ended(services: Services, message: Message) -> None:
    """Call off what a run that is over had asked for."""
    await services.store.write_async(actions.end_children, message.payload["run_id"])
