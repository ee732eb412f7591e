"""Has events told to the webhooks that want them, without a transaction open while an address is spoken to."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.orm import Session

from signoff.connectors.net import guard_of
from signoff.connectors.notices.signed import post_signed
from signoff.gateways.services import Services
from signoff.kit import chance, clock
from signoff.kit.errors import ConnectorError
from signoff.kit.faultpoints import faultpoint
from signoff.record.outbox import Message
from signoff.tables.webhooks import WebhookDelivery
from signoff.webhooks import deliveries

_log = logging.getLogger(__name__)

# At once in one process: for one webhook, so that a slow one holds up no other; and in all, those that wait included.
_AT_ONCE = 4
_IN_HAND_MAX = 400
_PUT_OFF_SECONDS = 20.0


class Lanes:
    """Who sends now, by webhook."""

    def __init__(self) -> None:
        self.in_hand = 0
        self._of: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_AT_ONCE))
        self._users: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def of(self, webhook_id: str) -> AsyncGenerator[None]:
        """Wait for one's turn."""
        self.in_hand += 1
        self._users[webhook_id] += 1
        try:
            async with self._of[webhook_id]:
                yield
        finally:
            self.in_hand -= 1
            self._users[webhook_id] -= 1
            if not self._users[webhook_id]:
                del self._users[webhook_id], self._of[webhook_id]


_lanes = Lanes()


async def plan(services: Services, message: Message) -> None:
    """Something happened: whoever wants it gets a message."""
    await services.store.write_async(
        deliveries.plan, message.workspace_id, message.payload, address=services.settings.address
    )


async def deliver(services: Services, message: Message) -> None:
    """Send one message, and note what became of it. What was not taken is tried again by a message of its own."""
    delivery_id = message.payload["delivery"]
    webhook_id = await services.store.read_async(_webhook_of, delivery_id)
    if webhook_id is None:
        return
    if _lanes.in_hand >= _IN_HAND_MAX:
        due_at = clock.now() + timedelta(seconds=chance.jittered(_PUT_OFF_SECONDS))
        await services.store.write_async(deliveries.send, message.workspace_id, delivery_id, due_at=due_at)
        return
    async with _lanes.of(webhook_id):
        await _send(services, delivery_id)


def _webhook_of(session: Session, delivery_id: str) -> str | None:
    row = session.get(WebhookDelivery, delivery_id)
    return row.webhook_id if row is not None else None


async def _send(services: Services, delivery_id: str) -> None:
    parcel = await services.store.write_async(deliveries.take, services.vault, delivery_id)
    if parcel is None:
        return
    try:
        answered = await post_signed(guard_of(services.settings), parcel.url, parcel.headers, parcel.body)
    except ConnectorError as error:
        _log.warning("a webhook was not reached", extra={"delivery": delivery_id, "code": error.code})
        await services.store.write_async(
            deliveries.note_answer, delivery_id, status=None, error=error.detail, is_transient=error.is_transient
        )
        return
    faultpoint("webhook-sent-not-noted")
    await services.store.write_async(
        deliveries.note_answer, delivery_id, status=answered.status, answer=answered.beginning,
        retry_after=answered.retry_after,
    )  # fmt: skip
