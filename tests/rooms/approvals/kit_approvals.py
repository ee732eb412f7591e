"""A workspace whose agent asks people: Alice owns it, Bob and Carol approve, Dave manages, Erin is nobody to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals import queries
from signoff.approvals.actions import Wanted, request_approval
from signoff.approvals.binding import binding_of
from signoff.approvals.cards import card_of
from signoff.approvals.facts import ApprovalDetail
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.record import trace
from signoff.record.actor import SYSTEM
from signoff.runs import actions as runs
from signoff.runs.facts import RunContext, context_of
from signoff.runs.holds import Hold
from signoff.tables.approvals import Approval, ApprovalRecipient
from signoff.tables.ownership import AgentOwner
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.runs import HoldAnswer, Run
from signoff.tables.session import Store
from tests.rooms.agents import kit_agents

TOOL = "erp.pay"
ARGS: dict[str, Any] = {"amount": 900, "to": "ap@supplier.example", "note": "Invoice 7"}
SCHEMA = {"amount": {"type": "number", "minimum": 0}, "to": {"type": "string"}, "note": {"type": "string"}}


@dataclass
class Desk:
    """Where people are asked."""

    store: Store
    at: kit_agents.Place
    agent_id: str
    alice: Principal
    bob: Principal
    carol: Principal
    dave: Principal
    erin: Principal

    def run(self, who: Principal | None = None, given: str = "A bill.") -> str:
        """A run under way in its first leg."""
        with self.store.write() as session:
            run_id = runs.request_run(session, who or self.alice, agent=self.agent_id, input=given).id
            runs.start_leg(session, run_id, 1, worker="w", wall_seconds_max=600)
        return run_id

    def context(self, run_id: str) -> RunContext:
        with self.store.read() as session:
            return context_of(session, run_id, leg=session.get_one(Run, run_id).leg)

    def ask(self, run_id: str, call_id: str = "c1", args: dict[str, Any] | None = None, **rule: Any) -> str:
        """One more request of a run, as the gateway makes it."""
        gate = Gate.model_validate({"name": "payments", **rule})
        run, wanted_args = self.context(run_id), ARGS if args is None else args
        with self.store.write() as session:
            key = f"{run_id}:{call_id}"
            trace.begin_step(
                session, workspace_id=run.workspace_id, run_id=run_id, leg=run.leg, key=key, kind="tool", name=TOOL
            )
            card = card_of(session, run, key=key, tool=TOOL, effect="irreversible", args=wanted_args, rule=gate)
            bound = binding_of(TOOL, wanted_args, revision_id=run.revision_id, run_id=run_id)
            found = request_approval(
                session, run, call_id,
                Wanted(
                    kind="approval", rule=gate, policy="gate", why="It meets the gate.", title="Pay 900", summary="",
                    binding=bound, tool=TOOL, effect="irreversible", args=wanted_args, card=card,
                ),
            )  # fmt: skip
            trace.end_step(session, run_id=run_id, key=key, state="waiting", calls=0)
            return found

    def wait(self, run_id: str, *calls: str) -> None:
        """End the leg of a run: it waits for the answers to these calls."""
        with self.store.write() as session:
            held = [Hold(call, "approval") for call in calls or ("c1",)]
            runs.end_leg(session, run_id, 1, state="waiting", worker="w", holds=held)
            runs.wait_run(session, run_id, 1, by=SYSTEM, waiting_for="approval", code="needs_approval", reason="r")

    def asked(self, run_id: str | None = None, who: Principal | None = None, **rule: Any) -> str:
        """A request, and a run that waits for it."""
        run_id = run_id or self.run(who)
        found = self.ask(run_id, **rule)
        self.wait(run_id)
        return found

    def row(self, approval_id: str) -> Approval:
        with self.store.read() as session:
            return session.get_one(Approval, approval_id)

    def run_row(self, approval_id: str) -> Run:
        with self.store.read() as session:
            return session.get_one(Run, session.get_one(Approval, approval_id).run_id)

    def seen(self, who: Principal, approval_id: str) -> ApprovalDetail:
        with self.store.read() as session:
            return queries.approval(session, who, approval_id)

    def recipients(self, approval_id: str) -> dict[str, str]:
        """Name → why they were asked."""
        names = {one.id: one.name for one in (self.alice, self.bob, self.carol, self.dave, self.erin)}
        with self.store.read() as session:
            rows = session.scalars(select(ApprovalRecipient).where(ApprovalRecipient.approval_id == approval_id))
            return {names[row.member_id]: row.via for row in rows}

    def answer(self, approval_id: str) -> dict[str, Any] | None:
        """What the run will be told."""
        row = self.row(approval_id)
        with self.store.read() as session:
            kept = session.get(HoldAnswer, (row.run_id, row.leg, row.call_id))
            return kept.answer if kept else None

    def audited(self, action: str) -> list[AuditRow]:
        with self.store.read() as session:
            return list(session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.seq)))

    def sent(self, kind: str) -> list[dict[str, Any]]:
        with self.store.read() as session:
            found = select(OutboxMessage).where(OutboxMessage.kind == kind).order_by(OutboxMessage.id)
            return [message.payload for message in session.scalars(found)]

    def change(self, approval_id: str, **values: Any) -> None:
        with self.store.write() as session:
            session.execute(update(Approval).where(Approval.id == approval_id).values(**values))


def make_desk(store: Store, slug: str = "acme") -> Desk:
    """Make the workspace, its people, its agent."""
    at = kit_agents.place(store, slug)
    alice = kit_agents.person(store, at, "Alice", "builder")
    bob, carol, erin = (kit_agents.person(store, at, name, "member") for name in ("Bob", "Carol", "Erin"))
    dave = kit_agents.person(store, at, "Dave", "administrator")
    with store.write() as session:
        for place in ("staging", "production"):
            pay = kit_agents.tool("irreversible", **SCHEMA)
            kit_agents.connection(session, at, place, "erp", {"pay": pay})
    gate = {"name": "payments", "effects": ["irreversible"]}
    tools = [{"slot": "erp", "allow": [{"tool": "pay", "args": {"amount": {"maximum": 5000}}}]}]
    agent_id = kit_agents.agent(store, alice, "payer", tools=tools, gates=[gate])
    with store.write() as session:
        freeze_and_serve_first(session, alice, agent_id, reason="first")
        for one in (bob, carol):
            seat(session, agent_id, at.workspace_id, "approver", one)
    return Desk(store, at, agent_id, alice, bob, carol, dave, erin)


def seat(session: Session, agent_id: str, workspace_id: str, kind: str, who: Principal) -> None:
    """Put somebody on a seat of the agent, who has accepted it."""
    session.add(
        AgentOwner(
            agent_id=agent_id, kind=kind, member_id=who.id, workspace_id=workspace_id, state="accepted",
            asked_by="mem_x", asked_by_name="X", asked_at=clock.now(), answered_at=clock.now(), hours={},
        )
    )  # fmt: skip
