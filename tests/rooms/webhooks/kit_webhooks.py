"""A workspace with an agent that has webhooks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.deployments.actions import freeze_and_serve_first
from signoff.people.access import Principal
from signoff.record.actor import SYSTEM
from signoff.record.happenings import HAPPENED
from signoff.runs.actions import fail_run, request_run
from signoff.settings import Settings
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.session import Store
from signoff.tables.webhooks import Webhook, WebhookDelivery
from signoff.webhooks import deliveries
from signoff.webhooks.actions import MadeWebhook, create_webhook
from tests.rooms.agents import kit_agents

URL = "https://ops.example.com/hook"
ADDRESS = "https://signoff.example.com"


@dataclass
class Desk:
    """Where webhooks are made."""

    store: Store
    vault: Vault
    at: kit_agents.Place
    owner: Principal

    def webhook(self, *events: str, **more: Any) -> MadeWebhook:
        given = {"name": "Ops", "url": URL, "events": events or ("run.failed",), **more}
        with self.store.write() as session:
            return create_webhook(session, self.owner, self.vault, **given)

    def plan(self) -> int:
        """Do what the relay does with what happened. Returns how many messages are new."""
        with self.store.write() as session:
            told = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == HAPPENED)).all()
            return sum(deliveries.plan(session, one.workspace_id, one.payload, address=ADDRESS) for one in told)

    def rows(self) -> list[WebhookDelivery]:
        with self.store.read() as session:
            return list(session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(row.body) for row in self.rows()]

    def take(self, delivery_id: str) -> deliveries.Parcel | None:
        with self.store.write() as session:
            return deliveries.take(session, self.vault, delivery_id)

    def note(self, delivery_id: str, status: int | None, **more: Any) -> None:
        with self.store.write() as session:
            deliveries.note_answer(session, delivery_id, status=status, **more)

    def hook(self) -> Webhook:
        with self.store.read() as session:
            return session.scalars(select(Webhook)).one()

    def sent(self, kind: str) -> list[OutboxMessage]:
        with self.store.read() as session:
            return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind)))

    def audited(self) -> list[str]:
        with self.store.read() as session:
            return list(session.scalars(select(AuditRow.action).order_by(AuditRow.seq)))

    def read(self, query: Any, *args: Any, **more: Any) -> Any:
        with self.store.read() as session:
            return query(session, *args, **more)

    def write(self, action: Any, *args: Any, **more: Any) -> Any:
        with self.store.write() as session:
            return action(session, *args, **more)


def make_desk(store: Store, settings: Settings, slug: str = "acme") -> Desk:
    at = kit_agents.place(store, slug)
    owner = kit_agents.person(store, at, "Alice")
    for name in ("supplier-mail", "other"):
        kit_agents.agent(store, owner, name)
        with store.write() as session:
            freeze_and_serve_first(session, owner, name, reason="first")
    return Desk(store, Vault(load_keys(settings)), at, owner)


def fail_a_run(desk: Desk, agent: str = "supplier-mail", given: str = "IN-PUT-TEXT") -> str:
    """Let a run fail for a reason that quotes what must not get out."""
    with desk.store.write() as session:
        run_id = request_run(session, desk.owner, agent=agent, input=given).id
        assert fail_run(session, run_id, None, by=SYSTEM, code="provider_error", reason="RE-ASON-TEXT")
    return run_id
