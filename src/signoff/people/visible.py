"""Which agents a caller may do something with, in SQL: by their role, as owner or backup, or by a grant."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, false, or_, select

from signoff.people.access import Principal, granted_levels, reach
from signoff.people.roles import Action
from signoff.tables.agents import Agent, AgentGrant


def visible_agents(viewer: Principal, action: Action = "agent.read") -> list[ColumnElement[bool]]:
    """Return what bounds every list of agents for this viewer."""
    here = Agent.workspace_id == viewer.workspace_id
    far = reach(viewer, action)
    if far == "all":
        return [here]
    ways: list[ColumnElement[bool]] = [false()]
    if far == "own":
        ways += [Agent.owner_id == viewer.id, Agent.backup_id == viewer.id]
    granted = granted_agents(viewer, action)
    if granted is not None:
        ways.append(Agent.id.in_(granted))
    return [here, or_(*ways)]


def granted_agents(viewer: Principal, action: Action) -> Select[Any] | None:
    """Return the ids of the agents on which a grant lets the viewer do `action`; None when no grant can."""
    levels = granted_levels(viewer, action)
    if not levels:
        return None
    return select(AgentGrant.agent_id).where(
        AgentGrant.workspace_id == viewer.workspace_id,
        AgentGrant.holder_id == viewer.id,
        AgentGrant.level.in_(levels),
    )
