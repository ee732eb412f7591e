"""Reads about webhooks. Their secrets are told to nobody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page, encode_cursor, page_size, text_cursor
from signoff.people.access import Principal, authorize
from signoff.tables.agents import Agent
from signoff.tables.webhooks import Webhook, WebhookDelivery
from signoff.webhooks.states import DeliveryState, WebhookState

WEBHOOKS_MAX = 20


@dataclass(frozen=True, slots=True)
class WebhookFacts:
    """A webhook.

    Args:
        agents: the slugs of the agents it is about; empty: all.
        off_reason: why it is off, where no person switched it off.
        overlap_until: until when the secret before signs as well.
        failing_since, failures: since when, and how often in a row, nothing was taken.
    """

    id: str
    name: str
    url: str
    events: list[str]
    agents: list[str]
    state: WebhookState
    off_reason: str | None
    overlap_until: datetime | None
    failing_since: datetime | None
    failures: int
    made_by_name: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookDeliveryFacts:
    """One message.

    Args:
        event_id: the `webhook-id` it is sent with, however often.
        status, answer: what the last attempt was answered, and how that begins.
        due_at: when it is tried (again).
    """

    id: str
    event_id: str
    event: str
    state: DeliveryState
    attempts: int
    status: int | None
    answer: str | None
    last_error: str | None
    due_at: datetime
    made_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """One message with what was sent."""

    delivery: WebhookDeliveryFacts
    body: Any


def webhooks(session: Session, viewer: Principal) -> list[WebhookFacts]:
    """Return the webhooks of the viewer's workspace, the oldest first; at most 20.

    Raises:
        NotAllowed: the viewer may not manage webhooks.
    """
    authorize(viewer, "webhook.manage")
    rows = session.scalars(
        select(Webhook).where(Webhook.workspace_id == viewer.workspace_id).order_by(Webhook.id).limit(WEBHOOKS_MAX)
    ).all()
    slugs = _slugs(session, viewer, [one for row in rows for one in row.agents])
    return [_facts(row, slugs) for row in rows]


def webhook(session: Session, viewer: Principal, webhook_id: str) -> WebhookFacts:
    """Return one webhook.

    Raises:
        NotAllowed: the viewer may not manage webhooks.
        NotFound: there is none of that id here.
    """
    row = row_for(session, viewer, webhook_id)
    return _facts(row, _slugs(session, viewer, row.agents))


def deliveries(
    session: Session,
    viewer: Principal,
    webhook_id: str,
    *,
    state: DeliveryState | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[WebhookDeliveryFacts]:
    """Return the messages of a webhook, newest first.

    Raises:
        NotAllowed, NotFound: as `webhook`.
        Malformed: the cursor is not one of this list.
    """
    row = row_for(session, viewer, webhook_id)
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == row.id)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    if cursor:
        query = query.where(WebhookDelivery.id < text_cursor(cursor))
    count = page_size(size)
    rows = session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(count + 1)).all()
    following = encode_cursor(rows[count - 1].id) if len(rows) > count else None
    return Page([_delivery(one) for one in rows[:count]], following)


def delivery(session: Session, viewer: Principal, webhook_id: str, delivery_id: str) -> WebhookMessage:
    """Return one message, with what was sent.

    Raises:
        NotAllowed, NotFound: as `webhook`; or there is no such message of it.
    """
    found = delivery_for(session, viewer, webhook_id, delivery_id)
    return WebhookMessage(_delivery(found), json.loads(found.body))


def row_for(session: Session, principal: Principal, webhook_id: str) -> Webhook:
    """Return the row of a webhook the caller may manage.

    Raises:
        NotAllowed, NotFound: as `webhook`.
    """
    authorize(principal, "webhook.manage")
    row = session.scalar(
        select(Webhook).where(Webhook.id == webhook_id, Webhook.workspace_id == principal.workspace_id)
    )
    if row is None:
        raise NotFound("There is no such webhook in this workspace.")
    return row


def delivery_for(session: Session, principal: Principal, webhook_id: str, delivery_id: str) -> WebhookDelivery:
    """Return the row of a message of a webhook the caller may manage.

    Raises:
        NotAllowed, NotFound: as `delivery`.
    """
    hook = row_for(session, principal, webhook_id)
    found = session.scalar(
        select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == hook.id)
    )
    if found is None:
        raise NotFound("There is no such message of this webhook. Messages are kept for thirty days.")
    return found


def _slugs(session: Session, viewer: Principal, agent_ids: Sequence[str]) -> dict[str, str]:
    if not agent_ids:
        return {}
    rows = session.execute(
        select(Agent.id, Agent.slug).where(Agent.id.in_(set(agent_ids)), Agent.workspace_id == viewer.workspace_id)
    )
    return {row.id: row.slug for row in rows}


def _facts(row: Webhook, slugs: dict[str, str]) -> WebhookFacts:
    is_overlapping = row.old_until is not None and row.old_until > clock.now()
    return WebhookFacts(
        id=row.id, name=row.name, url=row.url, events=list(row.events),
        agents=[slugs.get(one, one) for one in row.agents], state="on" if row.state == "on" else "off",
        off_reason=row.off_reason, overlap_until=row.old_until if is_overlapping else None,
        failing_since=row.failing_since, failures=row.failures, made_by_name=row.made_by_name, made_at=row.made_at,
    )  # fmt: skip


def _delivery(row: WebhookDelivery) -> WebhookDeliveryFacts:
    names = WebhookDeliveryFacts.__slots__
    return WebhookDeliveryFacts(**{name: getattr(row, name) for name in names})
