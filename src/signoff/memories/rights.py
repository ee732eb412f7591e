"""Who may read and change what an agent keeps: everybody their own; what is shared or others', by rights on the agent.

Shared entries are read by whoever may see the agent, since each of their runs may recall them. Entries of other people
are read like other people's runs. Changing either is editing the agent.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_

from signoff.kit.errors import NotFound
from signoff.memories.states import EVERYBODY
from signoff.people.access import Principal, authorize, can
from signoff.tables.agents import Agent
from signoff.tables.memory import MemoryEntry


def owners_of(agent: Agent) -> tuple[str | None, ...]:
    """Return for whom the agent is their own."""
    return (agent.owner_id, agent.backup_id)


def readable(viewer: Principal, agent: Agent) -> list[ColumnElement[bool]]:
    """Return what bounds every list of entries of an agent for this viewer, who may see the agent."""
    bounds: list[ColumnElement[bool]] = [
        MemoryEntry.agent_id == agent.id, MemoryEntry.workspace_id == viewer.workspace_id,
        MemoryEntry.erased_at.is_(None),
    ]  # fmt: skip
    if viewer.environment_id:
        bounds.append(MemoryEntry.environment_id == viewer.environment_id)
    if not sees_others(viewer, agent):
        keys = (EVERYBODY, *([viewer.member_id] if viewer.member_id else []))
        bounds.append(or_(*(MemoryEntry.member_id == key for key in keys)))
    return bounds


def sees_others(viewer: Principal, agent: Agent) -> bool:
    """Return whether the viewer reads what the agent keeps for other people."""
    return can(viewer, "run.read", owners=owners_of(agent), agent_id=agent.id)


def is_own(viewer: Principal, member_id: str) -> bool:
    """Return whether entries of `member_id` are the viewer's."""
    return bool(member_id) and viewer.member_id == member_id


def may_change(viewer: Principal, agent: Agent, member_id: str) -> bool:
    """Return whether `authorize_change` would agree."""
    if is_own(viewer, member_id) and (viewer.kind == "member" or can(viewer, "run.start", agent_id=agent.id)):
        return True
    if member_id and not sees_others(viewer, agent):
        return False
    return can(viewer, "agent.edit", owners=owners_of(agent), agent_id=agent.id)


def authorize_change(viewer: Principal, agent: Agent, member_id: str) -> None:
    """Return quietly, or refuse to change entries of `member_id` (empty: the shared ones).

    Raises:
        NotFound: they are somebody else's, and the viewer may not read them.
        NotAllowed: the viewer may read them and not change them.
    """
    if may_change(viewer, agent, member_id):
        return
    if member_id and not is_own(viewer, member_id) and not sees_others(viewer, agent):
        raise NotFound("There is no such entry in the memory of this agent.")
    authorize(viewer, "agent.edit", owners=owners_of(agent), agent_id=agent.id)
