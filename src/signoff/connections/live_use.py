"""Which live revisions call through a connection, and what they may do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.lookup import connection_for
from signoff.people.access import Principal, authorize
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Tool
from signoff.tables.deployments import LiveRevision

_AGENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class LiveUse:
    """An agent whose live revision names the connection's slot, in the connection's environment.

    Args:
        effects: the class of each tool it may call, gravest known.
    """

    agent_id: str
    slug: str
    name: str
    revision_id: str
    revision_number: int
    tools: tuple[str, ...]
    effects: tuple[str, ...]


def live_use(session: Session, viewer: Principal, connection_id: str) -> tuple[LiveUse, ...]:
    """Return the agents that would miss the connection now, by slug.

    Raises:
        NotFound: there is no such connection for the viewer.
    """
    found = connection_for(session, viewer, connection_id, "connection.read")
    authorize(viewer, "agent.read")
    effects = {
        row.name: row.effect
        for row in session.execute(select(Tool.name, Tool.effect).where(Tool.connection_id == found.id))
    }
    rows = session.execute(
        select(Agent.id, Agent.slug, Agent.name, Revision.id, Revision.number, Revision.body["tools"])
        .join(LiveRevision, LiveRevision.agent_id == Agent.id)
        .join(Revision, Revision.id == LiveRevision.revision_id)
        .where(Agent.workspace_id == found.workspace_id, LiveRevision.environment_id == found.environment_id)
        .order_by(Agent.slug)
        .limit(_AGENTS_MAX)
    )
    uses: list[LiveUse] = []
    for agent_id, slug, name, revision_id, number, slots in rows:
        tools = _allowed(slots, found.slug)
        if tools is not None:
            classes = tuple(sorted({effects.get(tool, "irreversible") for tool in tools}))
            uses.append(LiveUse(agent_id, slug, name, revision_id, number, tools, classes))
    return tuple(uses)


def _allowed(slots: Any, slug: str) -> tuple[str, ...] | None:
    """Return the tools a body allows of a slot; None when it does not name the slot."""
    parts = cast("list[Any]", slots) if isinstance(slots, list) else []
    for part in parts:
        if isinstance(part, Mapping) and cast("Mapping[str, Any]", part).get("slot") == slug:
            allowed: Any = cast("Mapping[str, Any]", part).get("allow") or []
            return tuple(str(tool.get("tool")) for tool in allowed)
    return None
