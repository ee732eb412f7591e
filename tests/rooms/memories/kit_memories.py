"""An agent with memory, and runs that write into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit import clock, ids
from signoff.memories.actions import remember
from signoff.memories.actions.writing import Writer
from signoff.memories.places import Place
from signoff.people.access import Principal
from signoff.people.roles import Role
from signoff.record.actor import Actor
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.agents import kit_agents
from tests.rooms.agents.kit_agents import person, place


@dataclass(frozen=True)
class Desk:
    """A workspace, its owner Ann, and an agent of hers that is live with memory."""

    store: Store
    at: kit_agents.Place
    ann: Principal
    agent_id: str
    revision_id: str

    def member(self, name: str, role: Role = "member") -> Principal:
        return person(self.store, self.at, name, role)

    def where(self, who: Principal | None, environment: str = "production", **limits: Any) -> Place:
        """The memory of `who`; of None, what everybody shares."""
        most = {"entries_max": 200, "entry_chars_max": 2_000, **limits}
        return Place(self.at.workspace_id, self.agent_id, self.at.environments[environment], _id(who), **most)

    def wrote(self, who: Principal | None, text: str, environment: str = "production", **limits: Any) -> str:
        """A run writes an entry; return its id."""
        with self.store.write() as session:
            run_id = self.run(session, who or self.ann, environment)
            return remember(session, self.where(who, environment, **limits), self.writer(run_id), text).id

    def run(self, session: Session, who: Principal, environment: str = "production") -> str:
        run_id = ids.new_id("run")
        session.add(
            Run(
                id=run_id, workspace_id=self.at.workspace_id, environment_id=self.at.environments[environment],
                agent_id=self.agent_id, revision_id=self.revision_id, agent_slug="supplier-mail", agent_name="A",
                revision_number=1, state="running", origin="production", source="manual", mode="live",
                requested_by=who.id, requested_by_name=who.name, title="t", input={}, output=None,
                created_at=clock.now(),
            )
        )  # fmt: skip
        session.flush()
        return run_id

    def writer(self, run_id: str) -> Writer:
        actor = Actor("run", run_id, "supplier-mail, revision 1", run_id=run_id, revision_id=self.revision_id)
        return Writer(
            actor, "agent", "untrusted", run_id=run_id, step_key=f"{run_id}:call_1", revision_id=self.revision_id,
            revision_number=1,
        )  # fmt: skip


def desk(store: Store, scope: Literal["person", "shared"] = "person", **memory: Any) -> Desk:
    """Make one."""
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = kit_agents.agent(store, ann, memory={"scope": scope, **memory})
    with store.write() as session:
        revision = freeze_and_serve_first(session, ann, agent_id, reason="first")
    return Desk(store, at, ann, agent_id, revision.id)


def _id(who: Principal | None) -> str:
    return who.id if who is not None else ""
