"""What people write into the memory of an agent, and what they say about what stands there."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.rules import Memory
from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.memories.actions.writing import Writer, add, change, note
from signoff.memories.places import Place, memory_served
from signoff.memories.refusals import MemoryOff
from signoff.memories.rights import authorize_change, readable
from signoff.memories.states import EVERYBODY, key_of
from signoff.people.access import Principal
from signoff.tables.agents import Agent
from signoff.tables.memory import MemoryEntry
from signoff.tables.people import Environment


def add_entry(session: Session, principal: Principal, agent: str, *, text: str, environment: str = "production") -> str:
    """Write an entry; return its id. Where memory is each person's own, into the caller's own.

    It is trusted: it was typed by somebody who may, and not by an agent that had read who knows what.

    Raises:
        MemoryOff: what serves the environment has no memory, or the caller, who is no member, has none of their own.
        Malformed, MemoryFull: the text does not fit, or no more entries do.
    """
    row = agent_for(session, principal, agent, "agent.read")
    place, memory = _served(session, principal, row, environment)
    if memory is None:
        authorize_change(principal, row, EVERYBODY)
        raise MemoryOff(
            f"What serves {place.slug} has no memory. Give the agent one under SOP and settings, freeze it and make it "
            "live."
        )
    key = key_of(memory.scope, principal.member_id)
    if key is None:
        raise MemoryOff("The memory of this agent is each person's own, and a service account is none. Sign in.")
    authorize_change(principal, row, key)
    where = Place(row.workspace_id, row.id, place.id, key, memory.entries_max, memory.entry_chars_max)
    return add(session, where, Writer(principal.actor, "person", "trusted"), text).id


def edit_entry(session: Session, principal: Principal, agent: str, entry_id: str, *, text: str, version: int) -> int:
    """Give an entry another text; return its new version. It stays as trusted as it was: an edit launders nothing.

    Raises:
        EntryChanged: it has another version than the caller read.
    """
    found, row = entry_for(session, principal, agent, entry_id)
    authorize_change(principal, found, row.member_id)
    memory = memory_served(session, found.id, row.environment_id) or Memory()
    writer = Writer(principal.actor, "person", "trusted")
    return change(session, row, writer, text, chars_max=memory.entry_chars_max, version=version)


def review_entry(session: Session, principal: Principal, agent: str, entry_id: str) -> None:
    """Say that somebody looked at an entry that reads like a rule, and that it may stay. It is trusted no more."""
    found, row = entry_for(session, principal, agent, entry_id)
    authorize_change(principal, found, row.member_id)
    session.execute(
        update(MemoryEntry)
        .where(MemoryEntry.id == row.id, MemoryEntry.version == row.version, MemoryEntry.erased_at.is_(None))
        .values(reviewed_at=clock.now(), reviewed_by_name=principal.name[:200])
        .execution_options(synchronize_session=False)
    )
    note(session, principal.actor, "memory.reviewed", row)


def entry_for(session: Session, principal: Principal, agent: str, entry_id: str) -> tuple[Agent, MemoryEntry]:
    """Return an agent and one of the entries the caller may read.

    Raises:
        NotFound: there is none.
    """
    found = agent_for(session, principal, agent, "agent.read")
    row = session.scalar(
        select(MemoryEntry).where(MemoryEntry.id == entry_id, *readable(principal, found)).with_for_update()
    )
    if row is None:
        raise NotFound("There is no such entry in the memory of this agent.")
    return found, row


def _served(session: Session, principal: Principal, agent: Agent, slug: str) -> tuple[Environment, Memory | None]:
    place = session.scalar(
        select(Environment).where(Environment.workspace_id == principal.workspace_id, Environment.slug == slug)
    )
    if place is None or (principal.environment_id and principal.environment_id != place.id):
        raise NotFound("There is no such environment here.")
    return place, memory_served(session, agent.id, place.id)
