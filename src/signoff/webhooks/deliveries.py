"""Messages to webhooks: which want an event, what is sent, what became of it.

One row for each event and webhook. It is planned in one transaction, taken in a second, sent outside of any, and its
end noted in a third; a message whose end could not be noted is sent again rather than not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from signoff.connections.envelope import open_value
from signoff.connections.vault import Place, Vault
from signoff.kit import chance, clock, ids
from signoff.kit.errors import Fault
from signoff.kit.sealing import Sealed
from signoff.kit.text import shortened, storable
from signoff.record import audit, outbox
from signoff.record.actor import SYSTEM
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.tables.upsert import insert_into
from signoff.tables.webhooks import Webhook, WebhookDelivery
from signoff.webhooks import signing, states
from signoff.webhooks.bodies import TEST, body_of

DELIVER = "webhook.deliver"
SWITCHED_OFF = "webhook_switched_off"
OVERFULL = "webhook_overfull"
# More than so many that wait for one address are not kept: it is told, and they can be seen in the lists of what is.
WAITING_MAX = 5_000
KEPT = timedelta(days=30)
_WEBHOOKS_MAX = 50
_ANSWER_CHARS = 500
_FORGET_MAX = 500


@dataclass(frozen=True, slots=True)
class Parcel:
    """One attempt. Its headers are signed, its address may hold a secret, so neither is logged."""

    delivery_id: str
    webhook_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def plan(session: Session, workspace_id: str, told: Mapping[str, Any], *, address: str) -> int:
    """Plan the messages of an event; planned again, they are the same. Returns how many are new."""
    rows = session.scalars(
        select(Webhook)
        .where(Webhook.workspace_id == workspace_id, Webhook.state == "on")
        .order_by(Webhook.id)
        .limit(_WEBHOOKS_MAX)
    ).all()
    wanting = [row for row in rows if told["event"] in row.events and _is_about(row, told.get("agent"))]
    if not wanting:
        return 0
    body = body_of(session, workspace_id, told, address=address)
    return sum(add(session, row, str(told["id"]), str(told["event"]), body) is not None for row in wanting)


def add(session: Session, row: Webhook, event_id: str, event: str, body: str) -> str | None:
    """Keep one message and have it sent; return its id, or None when it is kept already or too many wait."""
    waiting = session.scalar(
        select(func.count()).where(
            WebhookDelivery.webhook_id == row.id, WebhookDelivery.state.in_(states.UNDER_WAY)
        )
    )  # fmt: skip
    if (waiting or 0) >= WAITING_MAX:
        ask_for_alert(
            session, row.workspace_id, key=f"{OVERFULL}:{row.id}", kind=OVERFULL, detail={"webhook": row.id},
            text=f"More than {WAITING_MAX} messages wait for the webhook {row.name}, so new events are not told there. "
            "Look at what its address answers, under Settings, Webhooks.",
        )  # fmt: skip
        return None
    moment = clock.now()
    added = session.execute(
        insert_into(session, WebhookDelivery)
        .values(
            id=ids.new_id("whd"), workspace_id=row.workspace_id, webhook_id=row.id, event_id=event_id, event=event,
            body=body, state="pending", attempts=0, due_at=moment, made_at=moment,
        )
        .on_conflict_do_nothing(index_elements=["webhook_id", "event_id"])
        .returning(WebhookDelivery.id)
    ).scalar_one_or_none()  # fmt: skip
    if added is not None:
        send(session, row.workspace_id, added)
    return added


def send(session: Session, workspace_id: str, delivery_id: str, *, due_at: datetime | None = None) -> None:
    """Have a message sent, at once or at a moment."""
    outbox.send(session, workspace_id=workspace_id, kind=DELIVER, payload={"delivery": delivery_id}, due_at=due_at)


def take(session: Session, vault: Vault, delivery_id: str) -> Parcel | None:
    """Take a message to send it; None when there is nothing to send (any more)."""
    row = session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.state not in states.UNDER_WAY:
        return None
    hook = session.get_one(Webhook, row.webhook_id)
    if hook.state != "on" and row.event != TEST:
        _end(row, "dropped", "The webhook is off.")
        return None
    try:
        keys = _keys(session, vault, hook)
    except Fault:
        _end(row, "failed", "The signing secret does not open any more. Make a new one.")
        return None
    row.state, row.attempts = "sending", row.attempts + 1
    session.flush()
    body = row.body.encode()
    return Parcel(
        row.id, hook.id, hook.url, signing.headers(keys, row.event_id, int(clock.now().timestamp()), body), body
    )


def note_answer(
    session: Session,
    delivery_id: str,
    *,
    status: int | None,
    answer: str = "",
    error: str = "",
    retry_after: float | None = None,
    is_transient: bool = True,
) -> None:
    """Note what an attempt came to; have it made again later where that may help.

    Args:
        status: what was answered; None: nothing was, and `error` says why.
        is_transient: without a status: whether another attempt may do better.
    """
    row = session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.state == "sending")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        return
    hook = session.get_one(Webhook, row.webhook_id, populate_existing=True)
    row.status, row.answer = status, shortened(storable(answer), _ANSWER_CHARS) or None
    if status is not None and states.is_taken(status):
        _end(row, "delivered", None)
        _succeeded(session, hook)
        return
    row.last_error = shortened(storable(error or f"It was answered {status}."), 1_000)
    may_help = states.is_worth_another(status) if status is not None else is_transient
    if may_help and row.attempts < states.ATTEMPTS_MAX:
        asked_for = min(retry_after or 0.0, states.RETRY_AFTER_SECONDS_MAX)
        pause = max(chance.jittered(states.pause_seconds(row.attempts)), asked_for)
        row.due_at = clock.now() + timedelta(seconds=pause)
        send(session, row.workspace_id, row.id, due_at=row.due_at)
    else:
        _end(row, "failed", row.last_error)
    session.flush()
    if row.event != TEST:
        _failed(session, hook, status)


def forget(session: Session) -> int:
    """Let go of some messages that ended long ago. Returns how many."""
    old = (
        select(WebhookDelivery.id).where(WebhookDelivery.ended_at < clock.now() - KEPT).limit(_FORGET_MAX)
    )  # fmt: skip
    found = list(session.scalars(old))
    if found:
        session.execute(delete(WebhookDelivery).where(WebhookDelivery.id.in_(found)))
    return len(found)


def alert_key(webhook_id: str) -> str:
    """Return the key of the alert that a webhook was switched off."""
    return f"{SWITCHED_OFF}:{webhook_id}"


def place_of(hook: Webhook, version: int | None = None) -> Place:
    """Return where a sealed secret of a webhook belongs."""
    return Place(hook.workspace_id, hook.id, version or hook.version)


def _is_about(row: Webhook, agent_id: str | None) -> bool:
    return not row.agents or agent_id in row.agents


def _keys(session: Session, vault: Vault, hook: Webhook) -> list[str]:
    keys = [open_value(session, vault, Sealed(hook.ciphertext, hook.nonce, hook.key_id), place_of(hook))]
    if hook.old_ciphertext and hook.old_nonce and hook.old_key_id and hook.old_until and hook.old_until > clock.now():
        old = Sealed(hook.old_ciphertext, hook.old_nonce, hook.old_key_id)
        keys.append(open_value(session, vault, old, place_of(hook, hook.version - 1)))
    return keys


def _succeeded(session: Session, hook: Webhook) -> None:
    if hook.failures:
        hook.failures, hook.failing_since = 0, None
        session.flush()
        ask_to_resolve(session, hook.workspace_id, key=f"{OVERFULL}:{hook.id}")


def _failed(session: Session, hook: Webhook, status: int | None) -> None:
    moment = clock.now()
    session.execute(
        update(Webhook)
        .where(Webhook.id == hook.id)
        .values(failures=Webhook.failures + 1, failing_since=func.coalesce(Webhook.failing_since, moment))
        .execution_options(synchronize_session=False)
    )
    session.refresh(hook)
    is_lasting = (
        hook.failing_since is not None
        and moment - hook.failing_since >= states.OFF_AFTER
        and hook.failures >= states.OFF_AFTER_ATTEMPTS
    )
    if hook.state == "on" and (is_lasting or states.is_gone(status)):
        _switch_off(session, hook, "It answered that it is gone (410)." if states.is_gone(status) else
                    f"It took nothing since {hook.failing_since:%Y-%m-%d %H:%M} UTC.")  # fmt: skip


def _switch_off(session: Session, hook: Webhook, why: str) -> None:
    hook.state, hook.off_reason = "off", why
    session.flush()
    audit.write(
        session, workspace_id=hook.workspace_id, actor=SYSTEM, action="webhook.switched_off", object_kind="webhook",
        object_id=hook.id, detail={"reason": why, "failures": hook.failures},
    )  # fmt: skip
    ask_for_alert(
        session, hook.workspace_id, key=alert_key(hook.id), kind=SWITCHED_OFF, detail={"webhook": hook.id},
        text=f"The webhook {hook.name} was switched off. {why} Put its address right, then switch it on again under "
        "Settings, Webhooks; what it missed can be sent again there.",
    )  # fmt: skip


def _end(row: WebhookDelivery, state: str, error: str | None) -> None:
    row.state, row.last_error, row.ended_at = state, error, clock.now()
