"""The messages of a mailbox, for a person who chooses which one a run should work on. It reads, and only mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.connections.queries import connection
from signoff.connections.views import ConnectionDetail
from signoff.gateways.services import Services
from signoff.kit.errors import ConnectorError, NotNow
from signoff.kit.text import shortened
from signoff.people.access import Principal, authorize

_CALL_SECONDS_MAX = 10.0
MESSAGES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class MailChoice:
    """One message of a mailbox: its id for the run, and what a person knows it by. All of it is untrusted text."""

    id: str
    subject: str
    sender: str
    sent_at: datetime | None


async def mail_choices(services: Services, viewer: Principal, connection_id: str) -> list[MailChoice]:
    """Return up to 100 messages of a mail connection. No session is held while the mailbox is read.

    Raises:
        NotNow: it is no mailbox, or it is switched off.
        ConnectorError: the mailbox cannot be read.
    """

    def facts(session: Session) -> ConnectionDetail:
        authorize(viewer, "run.start")
        return connection(session, viewer, connection_id)

    found = await services.store.read_async(facts)
    if found.row.kind != "mail" or found.row.state != "active":
        raise NotNow("This connection is no mailbox that can be read now. Enter the message id yourself.")
    link = await services.pool.link(found.row.id, found.row.version, found.row.kind, found.config)
    args = {"limit": MESSAGES_SHOWN}
    answer = await link.call("list_messages", args, key=None, timeout_seconds=_CALL_SECONDS_MAX)
    value: Any = answer.value
    if answer.is_error or not isinstance(value, dict):
        raise ConnectorError(f"The mailbox cannot be listed: {shortened(str(cast('object', value)), 300)}")
    listed: Any = cast("dict[str, Any]", value).get("messages")
    items = cast("list[Any]", listed) if isinstance(listed, list) else []
    return [choice for item in items if isinstance(item, dict) and (choice := _choice(cast("dict[str, Any]", item)))]


def _choice(item: dict[str, Any]) -> MailChoice | None:
    message_id = item.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        return None
    subject = " ".join(str(item.get("subject") or "").split()) or "(no subject)"
    sender = str(item.get("from") or item.get("file") or "")
    return MailChoice(message_id, shortened(subject, 160), shortened(sender, 120), _moment(item.get("date")))


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
