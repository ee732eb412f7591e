"""Mails to people, as they are to be written: read from their outbox message and the rows it names."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.sealing import Sealed, Sealer
from signoff.people.actions.setup_links import mail_place
from signoff.people.letters import FACTOR_GONE_SUBJECT, factor_gone, factor_notice, subject_of, text_of
from signoff.tables.people import Person, SetupLink, Workspace

# After this the server was away for too long: news that old would only confuse.
_NEWS_LIFETIME = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class NewsMail:
    """What is to be sent; it holds no link and no secret."""

    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class LinkMail:
    """What is to be sent. Its text holds the link, so it is never logged."""

    link_id: str
    to: str
    subject: str
    text: str = field(repr=False)


def link_mail(session: Session, sealer: Sealer, payload: Mapping[str, Any], *, public_address: str) -> LinkMail | None:
    """Return the mail of an outbox message, or None when its link is not good any more: nobody needs it then.

    Args:
        public_address: where people reach this installation, from the settings; never from a request.
    """
    found = session.execute(
        select(SetupLink, Person.email, Person.name, Workspace.name)
        .join(Person, Person.id == SetupLink.person_id)
        .join(Workspace, Workspace.id == SetupLink.workspace_id)
        .where(SetupLink.id == str(payload["link"]))
    ).first()
    moment = clock.now()
    if found is None or found[0].used_at is not None or found[0].expires_at <= moment:
        return None
    link, email, name, workspace = found
    sealed = Sealed(base64.b64decode(payload["ciphertext"]), base64.b64decode(payload["nonce"]), str(payload["key"]))
    token = sealer.open(sealed, mail_place(link.id))
    address, left = f"{public_address.rstrip('/')}/setup/{token}", link.expires_at - moment
    if link.purpose == "not_me":
        text = factor_notice(name=name, at=link.created_at, link=address, lifetime=left)
    else:
        text = text_of(link.purpose, name=name, workspace=workspace, link=address, lifetime=left)
    return LinkMail(link.id, email, subject_of(link.purpose, workspace), text)


def factor_gone_mail(session: Session, payload: Mapping[str, Any]) -> NewsMail | None:
    """Return the mail that tells of a second factor taken away, or None when its person is gone or it is too old."""
    at = datetime.fromisoformat(payload["at"])
    found = session.execute(select(Person.email, Person.name).where(Person.id == str(payload["person"]))).first()
    if found is None or at + _NEWS_LIFETIME <= clock.now():
        return None
    return NewsMail(found.email, FACTOR_GONE_SUBJECT, factor_gone(name=found.name, how=str(payload["how"]), at=at))
