"""Of whose releases, and what follows them, somebody may read: the one rule behind each of their lists."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import InstrumentedAttribute

from signoff.people.access import Principal, authorize, reach
from signoff.people.visible import granted_agents
from signoff.tables.agents import Agent


def of_readable_agents(viewer: Principal, workspace_id: InstrumentedAttribute[str]) -> list[Any]:
    """Return what bounds a list that is joined with `Agent` to the agents this viewer may read.

    Raises:
        NotAllowed: the viewer may read none.
    """
    authorize(viewer, "agent.read")
    bounds: list[Any] = [workspace_id == viewer.workspace_id]
    if reach(viewer, "agent.read") != "all":
        mine = (Agent.owner_id == viewer.id) | (Agent.backup_id == viewer.id)
        granted = granted_agents(viewer, "agent.read")
        bounds.append(mine if granted is None else mine | Agent.id.in_(granted))
    return bounds
