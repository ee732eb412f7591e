"""Erasing: the text goes, with all its versions; that it was there, and who erased it, stays in the audit."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.memories.actions.keep import entry_for
from signoff.memories.actions.writing import erase, note
from signoff.memories.rights import authorize_change
from signoff.memories.states import EVERYBODY
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.memory import MemoryEntry


def erase_entry(session: Session, principal: Principal, agent: str, entry_id: str) -> None:
    """Erase one entry."""
    found, row = entry_for(session, principal, agent, entry_id)
    authorize_change(principal, found, row.member_id)
    note(session, principal.actor, "memory.erased", row)
    erase(session, principal.actor, MemoryEntry.id == row.id)


def erase_all(session: Session, principal: Principal, agent: str, *, member_id: str | None) -> int:
    """Erase everything an agent keeps for one member, or (None) what it shares; return how many entries.

    In every environment; a key bound to one erases there.
    """
    found = agent_for(session, principal, agent, "agent.read")
    key = member_id or EVERYBODY
    authorize_change(principal, found, key)
    where: list[ColumnElement[bool]] = [MemoryEntry.agent_id == found.id, MemoryEntry.member_id == key]
    if principal.environment_id:
        where.append(MemoryEntry.environment_id == principal.environment_id)
    erased = erase(session, principal.actor, *where)
    audit.write(
        session, workspace_id=found.workspace_id, actor=principal.actor, action="memory.erased_all",
        object_kind="agent", object_id=found.id, detail={"member": member_id, "entries": erased},
    )  # fmt: skip
    return erased
