"""Which memory a run has, and which one an agent has in an environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.agents.rules import Memory
from signoff.memories.states import Scope, key_of, member_of_run
from signoff.tables.deployments import LiveRevision
from signoff.tables.memory import AgentMemory
from signoff.tables.people import Environment
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

_OF_RUN = Prepared(
    select(Run.requested_by, Run.source, Environment.is_production, AgentMemory.scope)
    .join(Environment, Environment.id == Run.environment_id)
    .outerjoin(AgentMemory, AgentMemory.agent_id == Run.agent_id)
    .where(Run.id == bindparam("of_run"))
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where entries stand: of one agent, in one environment, of one member (empty: everybody's), within limits."""

    workspace_id: str
    agent_id: str
    environment_id: str
    member_id: str
    entries_max: int
    entry_chars_max: int


@dataclass(frozen=True, slots=True)
class NoMemory:
    """Why a run has none."""

    code: str
    reason: str


def place_of_run(
    session: Session,
    run_id: str,
    *,
    workspace_id: str,
    agent_id: str,
    environment_id: str,
    memory: Memory | None,
    started_by_itself: frozenset[str],
) -> Place | NoMemory:
    """Return the memory of a run under what its revision says, or why it has none."""
    if memory is None:
        return NoMemory("memory_off", "This revision has no memory.")
    row = _OF_RUN.first(session, {"of_run": run_id})
    if row is not None and row.is_production and row.scope is not None and row.scope != memory.scope:
        return NoMemory(
            "memory_scope_fixed",
            f"The memory of this agent is {_told(row.scope)}, and this revision wants it {_told(memory.scope)}: "
            "it reads and writes nothing.",
        )
    by_itself = row is None or row.source in started_by_itself
    member = member_of_run(row.requested_by if row is not None else "", is_started_by_itself=by_itself)
    key = key_of(memory.scope, member)
    if key is None:
        return NoMemory(
            "memory_of_nobody",
            "The memory of this agent is each person's own, and this run was started by nobody in person: "
            "it has no memory. Go on without.",
        )
    return Place(workspace_id, agent_id, environment_id, key, memory.entries_max, memory.entry_chars_max)


def memory_served(session: Session, agent_id: str, environment_id: str) -> Memory | None:
    """Return what the revision that serves an environment says of memory; None when it has none."""
    live = session.scalar(
        select(LiveRevision.revision_id).where(
            LiveRevision.agent_id == agent_id, LiveRevision.environment_id == environment_id
        )
    )
    return revision_body(session, live).memory if live else None


def memory_of_revision(session: Session, revision_id: str) -> Memory | None:
    """Return what a revision says of memory, for pages that know whose it is."""
    return revision_body(session, revision_id).memory


def fixed_scope(session: Session, agent_id: str) -> Scope | None:
    """Return the scope that is fixed; None while none is."""
    row = session.get(AgentMemory, agent_id, populate_existing=True)
    return cast("Scope | None", row.scope) if row is not None else None


def _told(scope: str) -> str:
    return "shared" if scope == "shared" else "each person's own"
