"""Making, changing and ending webhooks; their secrets; a test, and a message once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NoReturn

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.connections.envelope import seal_value
from signoff.connections.vault import Vault
from signoff.connectors.net import checked_url
from signoff.kit import clock, ids
from signoff.kit.errors import ConnectorError, Malformed, NotNow
from signoff.people.access import Principal, authorize
from signoff.people.emails import clean_name
from signoff.record import audit
from signoff.record.alarms import ask_to_resolve
from signoff.record.happenings import EVENTS
from signoff.tables.people import Workspace
from signoff.tables.webhooks import Webhook, WebhookDelivery
from signoff.webhooks.bodies import TEST, body_of
from signoff.webhooks.deliveries import OVERFULL, add, alert_key, place_of, send
from signoff.webhooks.queries import WEBHOOKS_MAX, delivery_for, row_for
from signoff.webhooks.signing import new_secret

AGENTS_MAX = 50
OVERLAP_SECONDS = 86_400
OVERLAP_SECONDS_MAX = 7 * 86_400


@dataclass(frozen=True, slots=True)
class MadeWebhook:
    """A webhook, and its signing secret, which is shown this once."""

    id: str
    secret: str = field(repr=False)


def create_webhook(
    session: Session,
    principal: Principal,
    vault: Vault,
    *,
    name: str,
    url: str,
    events: Sequence[str],
    agents: Sequence[str] = (),
    allows_http: bool = False,
) -> MadeWebhook:
    """Have events told to an address from now on.

    Args:
        agents: ids or slugs; none: all agents, and what is about none.
        allows_http: an address without encryption may be named.

    Raises:
        NotAllowed: the caller may not manage webhooks.
        Malformed: a field does not fit; `errors` says which.
        NotNow: there are as many as there may be.
    """
    authorize(principal, "webhook.manage")
    # Two at once take turns here.
    session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
    number = session.scalar(select(func.count()).where(Webhook.workspace_id == principal.workspace_id))
    if (number or 0) >= WEBHOOKS_MAX:
        raise NotNow(f"There are {WEBHOOKS_MAX} webhooks already. Delete one first.", code="webhooks_max")
    row = Webhook(
        id=ids.new_id("whk"), workspace_id=principal.workspace_id, name=clean_name(name),
        url=_checked_url(url, allows_http=allows_http), events=_checked_events(events),
        agents=_checked_agents(session, principal, agents), state="on", version=1, failures=0, made_by=principal.id,
        made_by_name=principal.name, made_at=clock.now(),
    )  # fmt: skip
    secret = _new_secret(session, vault, row)
    session.add(row)
    session.flush()
    _note(session, principal, row, "created", {"events": row.events, "agents": row.agents})
    return MadeWebhook(row.id, secret)


def change_webhook(
    session: Session,
    principal: Principal,
    webhook_id: str,
    *,
    name: str | None = None,
    url: str | None = None,
    events: Sequence[str] | None = None,
    agents: Sequence[str] | None = None,
    allows_http: bool = False,
) -> None:
    """Change what is given; None leaves a thing as it is. It holds for what happens from now on.

    Raises:
        NotAllowed, NotFound: the caller may not, or there is none of that id.
        Malformed: a field does not fit; `errors` says which.
    """
    row = row_for(session, principal, webhook_id)
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = clean_name(name)
    if url is not None:
        wanted["url"] = _checked_url(url, allows_http=allows_http)
    if events is not None:
        wanted["events"] = _checked_events(events)
    if agents is not None:
        wanted["agents"] = _checked_agents(session, principal, agents)
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not changed:
        return
    for one, value in changed.items():
        setattr(row, one, value)
    if "url" in changed:
        # What the address before did not take says nothing of this one.
        row.failures, row.failing_since = 0, None
    session.flush()
    told = {one: value for one, value in changed.items() if one in ("events", "agents")}
    _note(session, principal, row, "changed", {"fields": sorted(changed), **told})


def rotate_secret(
    session: Session, principal: Principal, vault: Vault, webhook_id: str, *, overlap_seconds: int = OVERLAP_SECONDS
) -> MadeWebhook:
    """Give a webhook a new signing secret. For the overlap every message is signed with both.

    Raises:
        NotAllowed, NotFound: the caller may not, or there is none of that id.
        Malformed: the overlap is longer than seven days.
    """
    row = row_for(session, principal, webhook_id)
    if not 0 <= overlap_seconds <= OVERLAP_SECONDS_MAX:
        _wrong("overlap_seconds", f"From 0 to {OVERLAP_SECONDS_MAX} seconds: seven days.")
    row.old_ciphertext, row.old_nonce, row.old_key_id = row.ciphertext, row.nonce, row.key_id
    row.old_until = clock.now() + timedelta(seconds=overlap_seconds)
    row.version += 1
    secret = _new_secret(session, vault, row)
    session.flush()
    _note(session, principal, row, "secret_rotated", {"overlap_seconds": overlap_seconds})
    return MadeWebhook(row.id, secret)


def enable_webhook(session: Session, principal: Principal, webhook_id: str) -> None:
    """Tell it of what happens from now on. Twice is no error."""
    row = row_for(session, principal, webhook_id)
    if row.state == "on":
        return
    row.state, row.off_reason, row.failures, row.failing_since = "on", None, 0, None
    session.flush()
    _settle_alerts(session, row)
    _note(session, principal, row, "enabled")


def disable_webhook(session: Session, principal: Principal, webhook_id: str) -> None:
    """Tell it of nothing any more; what was still to be sent is dropped. Twice is no error."""
    row = row_for(session, principal, webhook_id)
    if row.state == "off":
        return
    row.state = "off"
    session.flush()
    _note(session, principal, row, "disabled")


def delete_webhook(session: Session, principal: Principal, webhook_id: str) -> None:
    """End a webhook, with what it was sent and was still to be sent.

    Raises:
        NotAllowed, NotFound: the caller may not, or there is none of that id.
    """
    row = row_for(session, principal, webhook_id)
    _settle_alerts(session, row)
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.webhook_id == row.id))
    session.execute(delete(Webhook).where(Webhook.id == row.id))
    _note(session, principal, row, "deleted")


def send_test(session: Session, principal: Principal, webhook_id: str, *, address: str) -> str:
    """Send a message that tells of nothing, also while the webhook is off; return its id.

    Raises:
        NotAllowed, NotFound: the caller may not, or there is none of that id.
        NotNow: too many messages wait for it.
    """
    row = row_for(session, principal, webhook_id)
    event_id, no_facts = ids.new_id("evt"), dict[str, Any]()
    told = {"id": event_id, "event": TEST, "at": clock.now().isoformat(), "about": row.id, "facts": no_facts}
    body = body_of(session, row.workspace_id, told, address=address)
    made = add(session, row, event_id, TEST, body)
    if made is None:
        raise NotNow("Too many messages wait for this webhook. Switch it off, or wait.", code="webhook_overfull")
    _note(session, principal, row, "tested", {"delivery": made})
    return made


def send_again(session: Session, principal: Principal, webhook_id: str, delivery_id: str) -> None:
    """Send a message that ended once more: the same bytes under the same id, so that whoever has it knows it.

    Raises:
        NotAllowed, NotFound: the caller may not, or there is none of that id.
        NotNow: it is still on its way, or the webhook is off.
    """
    row = delivery_for(session, principal, webhook_id, delivery_id)
    hook = session.get_one(Webhook, row.webhook_id)
    if row.ended_at is None:
        raise NotNow("This message is still on its way.", code="webhook_under_way")
    if hook.state != "on" and row.event != TEST:
        raise NotNow("The webhook is off. Switch it on first.", code="webhook_off")
    row.state, row.attempts, row.due_at, row.ended_at, row.last_error = "pending", 0, clock.now(), None, None
    session.flush()
    send(session, row.workspace_id, row.id)
    _note(session, principal, hook, "sent_again", {"delivery": row.id, "event": row.event})


def _settle_alerts(session: Session, row: Webhook) -> None:
    ask_to_resolve(session, row.workspace_id, key=alert_key(row.id))
    ask_to_resolve(session, row.workspace_id, key=f"{OVERFULL}:{row.id}")


def _new_secret(session: Session, vault: Vault, row: Webhook) -> str:
    secret = new_secret()
    sealed = seal_value(session, vault, secret, place_of(row))
    row.ciphertext, row.nonce, row.key_id = sealed.ciphertext, sealed.nonce, sealed.key_id
    return secret


def _checked_url(url: str, *, allows_http: bool) -> str:
    try:
        found = checked_url(url.strip())
    except ConnectorError as error:
        _wrong("url", error.detail)
    if not found.startswith("https://") and not allows_http:
        _wrong("url", "The address must begin with https://.")
    return found


def _checked_events(events: Sequence[str]) -> list[str]:
    wanted = set(events)
    if not wanted:
        _wrong("events", "Choose at least one kind of event.")
    if wanted - set(EVENTS):
        _wrong("events", f"Each is one of: {', '.join(EVENTS)}.")
    return [one for one in EVENTS if one in wanted]


def _checked_agents(session: Session, principal: Principal, agents: Sequence[str]) -> list[str]:
    if len(set(agents)) > AGENTS_MAX:
        _wrong("agents", f"At most {AGENTS_MAX} agents; none at all means every one.")
    return sorted({agent_for(session, principal, one, "agent.read").id for one in agents})


def _note(
    session: Session, principal: Principal, row: Webhook, action: str, detail: Mapping[str, Any] | None = None
) -> None:
    audit.note(session, principal, f"webhook.{action}", "webhook", row.id, {"name": row.name, **(detail or {})})


def _wrong(name: str, sentence: str) -> NoReturn:
    raise Malformed(sentence, errors={name: [sentence]})
