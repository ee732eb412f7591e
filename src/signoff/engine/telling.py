"""Tells people what happened by itself: notes it, looks whether it is time, and sends without a transaction open."""

from __future__ import annotations

import logging

from signoff.engine.notices import send_parcel
from signoff.gateways.services import Services
from signoff.kit.errors import ConnectorError
from signoff.record.outbox import Message
from signoff.watch import telling, told

_log = logging.getLogger(__name__)


async def note(services: Services, message: Message) -> None:
    """Something happened that people are told of."""
    await services.store.write_async(
        telling.note_happened, message.workspace_id, message.payload, has_mail=_has_mail(services)
    )


async def look(services: Services, message: Message) -> None:
    """The pause after a telling is over."""
    await services.store.write_async(telling.look, message.payload["notice"], has_mail=_has_mail(services))


async def deliver(services: Services, message: Message) -> None:
    """Send one message, and note what became of it."""
    delivery_id = message.payload["delivery"]
    parcel = await services.store.write_async(told.take, services.vault, delivery_id, address=services.settings.address)
    if parcel is None:
        return
    try:
        await send_parcel(services, parcel)
    except ConnectorError as error:
        await services.store.write_async(
            told.note_not_sent, delivery_id, error.detail, is_worth_another=error.is_transient
        )
        _log.warning("people could not be told", extra={"delivery": delivery_id, "code": error.code})
        return
    await services.store.write_async(told.note_sent, delivery_id)


def _has_mail(services: Services) -> bool:
    return services.settings.smtp_url is not None
