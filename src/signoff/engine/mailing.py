"""Hands the mails of the outbox to the operator's mail server, in a thread and without a transaction open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from signoff.connectors.smtp.send import Letter, send_letter
from signoff.connectors.smtp.server import MailServer, read_server
from signoff.kit.errors import ConnectorError
from signoff.kit.sealing import Sealer
from signoff.people.actions.setup_links import note_mail
from signoff.people.mailing import factor_gone_mail, link_mail
from signoff.record.outbox import Message
from signoff.settings import Settings
from signoff.tables.session import Store

_log = logging.getLogger(__name__)

_NO_SERVER = "This installation sends no mail: SIGNOFF_SMTP_URL is not set."


def mail_server(settings: Settings) -> MailServer | None:
    """Return the mail server of the settings, or None when there is none.

    Raises:
        ConnectorError: the settings name one that cannot be used.
    """
    if settings.smtp_url is None:
        return None
    return read_server(
        settings.smtp_url.get_secret_value(), settings.mail_from, timeout_seconds=settings.mail_timeout_seconds
    )


async def mail_link(store: Store, settings: Settings, sealer: Sealer, payload: Mapping[str, Any]) -> None:
    """Send the mail of one outbox message, and note what became of it.

    Raises:
        ConnectorError: the server did not take it now; it is worth another try.
    """
    mail = await store.read_async(link_mail, sealer, payload, public_address=settings.address)
    if mail is None:
        return
    server = mail_server(settings)
    if server is None:
        await store.write_async(note_mail, mail.link_id, error=_NO_SERVER)
        return
    letter = Letter(mail.link_id, mail.to, mail.subject, mail.text)
    try:
        await asyncio.to_thread(send_letter, server, letter)
    except ConnectorError as error:
        await store.write_async(note_mail, mail.link_id, error=error.detail)
        if error.is_transient:
            raise
        _log.warning("a mail cannot be delivered", extra={"link": mail.link_id, "code": error.code})
        return
    await store.write_async(note_mail, mail.link_id)


async def mail_factor_gone(store: Store, settings: Settings, message: Message) -> None:
    """Tell a person that their second factor was taken away. Without a mail server nobody is told.

    Raises:
        ConnectorError: the server did not take it now; it is worth another try.
    """
    mail = await store.read_async(factor_gone_mail, message.payload)
    server = mail_server(settings)
    if mail is None or server is None:
        return
    try:
        await asyncio.to_thread(send_letter, server, Letter(message.id, mail.to, mail.subject, mail.text))
    except ConnectorError as error:
        if error.is_transient:
            raise
        _log.warning("a mail cannot be delivered", extra={"outbox": message.id, "code": error.code})
