"""A workspace with an agent that serves production, and people who see to what goes wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.deployments.actions import freeze_and_serve_first
from signoff.incidents.opening import Declared, alert_is_over, declare_incident, open_for_alert
from signoff.incidents.queries import incident
from signoff.incidents.views import IncidentDetail
from signoff.people.access import Principal
from signoff.record.actor import SYSTEM
from signoff.record.alarms import OPENED, OVER
from signoff.runs.actions import fail_run, request_run
from signoff.tables.agents import Agent
from signoff.tables.incidents import Incident
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.runs import Run
from signoff.tables.session import Store
from signoff.watch.actions import raise_alert
from tests.rooms.agents import kit_agents


@dataclass
class Ward:
    """Ann owns the workspace; Ben builds, and owns the agent; Cem looks; Dora builds, and owns nothing."""

    store: Store
    at: kit_agents.Place
    ann: Principal
    ben: Principal
    cem: Principal
    dora: Principal
    agent_id: str

    def read(self, query: Any, *args: Any, **more: Any) -> Any:
        with self.store.read() as session:
            return query(session, *args, **more)

    def write(self, action: Any, *args: Any, **more: Any) -> Any:
        with self.store.write() as session:
            return action(session, *args, **more)

    def declare(self, title: str = "Bills are posted twice", who: Principal | None = None, **more: Any) -> str:
        said = Declared(title, agent=more.pop("agent", "supplier-mail"), **more)
        return self.write(declare_incident, who or self.ann, said)

    def detail(self, incident_id: str, who: Principal | None = None) -> IncidentDetail:
        return self.read(incident, who or self.ann, incident_id)

    def kinds(self, incident_id: str) -> list[str]:
        return [one.kind for one in self.detail(incident_id).timeline]

    def fail(self, agent: str = "supplier-mail", **changes: Any) -> str:
        with self.store.write() as session:
            run_id = request_run(session, self.ann, agent=agent, input="a bill").id
            session.execute(update(Run).where(Run.id == run_id).values(**{"origin": "production", **changes}))
            assert fail_run(session, run_id, None, by=SYSTEM, code="provider_error", reason="It answered nothing.")
        return run_id

    def alert(self, kind: str = "provider_failing", key: str = "provider:x", **more: Any) -> str:
        return self.write(raise_alert, self.at.workspace_id, key=key, kind=kind, text="It fails. Look there.", **more)

    def carry(self) -> None:
        """Do what the relay does with every alert that opened or is over, also with what it did before."""
        with self.store.write() as session:
            wanted = select(OutboxMessage).where(OutboxMessage.kind.in_((OPENED, OVER))).order_by(OutboxMessage.id)
            for one in session.scalars(wanted).all():
                if one.kind == OPENED:
                    open_for_alert(session, one.payload["alert"])
                else:
                    alert_is_over(session, one.payload["alert"], one.payload["by"])

    def incidents(self) -> list[Incident]:
        with self.store.read() as session:
            return list(session.scalars(select(Incident).order_by(Incident.id)))

    def audited(self) -> list[str]:
        with self.store.read() as session:
            found = select(AuditRow.action).where(AuditRow.object_kind == "incident").order_by(AuditRow.seq)
            return list(session.scalars(found))


@pytest.fixture
def ward(store: Store) -> Ward:
    return make_ward(store)


def make_ward(store: Store, slug: str = "acme") -> Ward:
    at = kit_agents.place(store, slug)
    ann = kit_agents.person(store, at, "Ann")
    ben = kit_agents.person(store, at, "Ben", "builder")
    cem = kit_agents.person(store, at, "Cem", "viewer")
    dora = kit_agents.person(store, at, "Dora", "builder")
    agent_id = kit_agents.agent(store, ann)
    kit_agents.agent(store, ann, "other")
    with store.write() as session:
        session.execute(update(Agent).where(Agent.id == agent_id).values(owner_id=ben.id))
        for name in ("supplier-mail", "other"):
            freeze_and_serve_first(session, ann, name, reason="first")
    return Ward(store, at, ann, ben, cem, dora, agent_id)
