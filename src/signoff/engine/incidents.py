"""Carries alerts up to incidents: one that stands may open one, and one that is over is written into it."""

from __future__ import annotations

from signoff.gateways.services import Services
from signoff.incidents.opening import alert_is_over, open_for_alert
from signoff.kit.faultpoints import faultpoint
from signoff.record.outbox import Message


async def open_one(services: Services, message: Message) -> None:
    """An alert opened."""
    await services.store.write_async(open_for_alert, message.payload["alert"])
    faultpoint("incident-opened-not-acked")


async def note_over(services: Services, message: Message) -> None:
    """An alert was resolved."""
    await services.store.write_async(alert_is_over, message.payload["alert"], message.payload["by"])
    faultpoint("incident-told-not-acked")
