"""Tells people of requests: plans what is to be told of an event, and sends what is due, without a transaction open."""

from __future__ import annotations

import asyncio
import logging

from signoff.approvals.deliveries import note_not_sent, note_sent, plan
from signoff.approvals.parcels import Parcel, parcel
from signoff.approvals.replies import read_reply
from signoff.connectors.net import guard_of
from signoff.connectors.notices.post import post_notices, post_reply
from signoff.connectors.smtp.send import Letter, send_letter
from signoff.engine.mailing import mail_server
from signoff.gateways.services import Services
from signoff.kit.errors import ConnectorError
from signoff.kit.sealing import Sealer
from signoff.record.outbox import Message

_log = logging.getLogger(__name__)

_NO_SERVER = "This installation sends no mail: SIGNOFF_SMTP_URL is not set."


async def plan_requested(services: Services, message: Message) -> None:
    """A request was made, or given to somebody else."""
    await _plan(services, message, "requested", member_id=message.payload.get("member"))


async def plan_reminded(services: Services, message: Message) -> None:
    """Those who have not answered are reminded."""
    await _plan(services, message, f"reminded:{message.payload['number']}")


async def plan_escalated(services: Services, message: Message) -> None:
    """A rung was climbed."""
    await _plan(services, message, f"escalated:{message.payload['level']}")


async def plan_expired(services: Services, message: Message) -> None:
    """A deadline passed."""
    await _plan(services, message, "expired")


async def plan_answered(services: Services, message: Message) -> None:
    """A request ended, or somebody voted."""
    await _plan(services, message, "answered")


async def deliver(services: Services, message: Message) -> None:
    """Send one message, and note what became of it. Failures are noted and tried again by a message of their own."""
    found = await services.store.write_async(
        parcel, services.vault, message.payload["delivery"], address=services.settings.address
    )
    if found is None:
        return
    try:
        await send_parcel(services, found)
    except ConnectorError as error:
        await services.store.write_async(
            note_not_sent, found.delivery_ids, error.detail, is_worth_another=error.is_transient
        )
        _log.warning("people could not be told", extra={"delivery": found.delivery_ids[0], "code": error.code})
        return
    await services.store.write_async(note_sent, found.delivery_ids)


async def reply(services: Services, message: Message) -> None:
    """Answer somebody in Slack. It is worth one try: what they did is done, and shown elsewhere too."""
    address, text = read_reply(Sealer(services.vault.keys), message.payload)
    try:
        await post_reply(guard_of(services.settings), address, text)
    except ConnectorError as error:
        _log.warning("a reply could not be given in a chat", extra={"code": error.code})


async def _plan(services: Services, message: Message, event: str, *, member_id: str | None = None) -> None:
    has_mail = services.settings.smtp_url is not None
    await services.store.write_async(plan, message.payload["approval"], event, has_mail=has_mail, member_id=member_id)


async def send_parcel(services: Services, found: Parcel) -> None:
    """Hand what is to be told to its service.

    Raises:
        ConnectorError: it was not taken; `is_transient` when trying again later may help.
    """
    if found.kind != "mail":
        await post_notices(guard_of(services.settings), found.kind, found.target, found.notices)
        return
    server = mail_server(services.settings)
    if server is None:
        raise ConnectorError(_NO_SERVER, code="connector_bad_config")
    letter = Letter(found.delivery_ids[0], found.target, found.subject, found.text)
    await asyncio.to_thread(send_letter, server, letter)
