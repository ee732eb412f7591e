"""Carries what runs say of shadows to the releases: one transaction each, and a second time changes nothing."""

from __future__ import annotations

from signoff.gateways.services import Services
from signoff.kit.faultpoints import faultpoint
from signoff.record.outbox import Message
from signoff.releases.shadow import begin_pair, end_pair


async def ask(services: Services, message: Message) -> None:
    """Have the input of an answered run tried."""
    told = message.payload
    await services.store.write_async(begin_pair, run_id=told["run_id"], release_id=told["release_id"])
    faultpoint("shadow-asked-not-acked")


async def compare(services: Services, message: Message) -> None:
    """Compare a shadow that is over."""
    await services.store.write_async(end_pair, message.payload["run_id"])
    faultpoint("shadow-compared-not-acked")
