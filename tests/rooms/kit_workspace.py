"""A workspace with an agent and a run, made straight in the tables, for rooms that only need them to be there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.people.access import Principal
from signoff.people.roles import Role
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Connection
from signoff.tables.people import Environment, Workspace
from signoff.tables.runs import Run
from signoff.tables.session import Store


@dataclass(frozen=True)
class Rows:
    """The ids of what was made."""

    workspace_id: str
    agent_id: str
    connection_id: str
    run_id: str

    def member(self, role: Role = "owner", name: str = "Alice") -> Principal:
        return Principal("member", f"mem_{name.lower()}", name, self.workspace_id, role)


def make_rows(store: Store, *, time_zone: str = "UTC") -> Rows:
    """Make one of each."""
    workspace, environment, agent, revision, connection, run = (
        ids.new_id(kind) for kind in ("ws", "env", "agt", "rev", "con", "run")
    )
    now = clock.now()
    with store.write() as session:
        session.add(Workspace(id=workspace, slug=workspace[-20:], name="W", time_zone=time_zone, created_at=now))
        session.flush()
        session.add(Environment(id=environment, workspace_id=workspace, slug="production", name="P", created_at=now))
        session.add(
            Agent(id=agent, workspace_id=workspace, slug="a", name="A", tags=[], state="active", created_at=now)
        )
        session.flush()
        session.add(
            Revision(
                id=revision, workspace_id=workspace, agent_id=agent, number=1, hash="0" * 64, body={},
                author_id="mem_x", author_name="Alice", reason="", created_at=now,
            )
        )  # fmt: skip
        session.add(
            Connection(
                id=connection, workspace_id=workspace, environment_id=environment, slug="erp", name="ERP",
                kind="mcp_stdio", config={"command": "erp"}, state="active", created_at=now,
            )
        )  # fmt: skip
        session.flush()
        _add_run(session, workspace, environment, agent, revision, run)
    return Rows(workspace, agent, connection, run)


def _add_run(session: Session, workspace: str, environment: str, agent: str, revision: str, run: str) -> None:
    session.add(
        Run(
            id=run, workspace_id=workspace, environment_id=environment, agent_id=agent, revision_id=revision,
            agent_slug="a", agent_name="A", revision_number=1, state="running", origin="test", source="manual",
            mode="live", requested_by="mem_x", requested_by_name="Alice", title="t", input={}, output=None,
            created_at=clock.now(),
        )
    )  # fmt: skip
