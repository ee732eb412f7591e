"""Who would miss a connection or a secret: the agents that name it, for a whole list in two queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.views import Use
from signoff.people.access import Principal, authorize
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent, Draft, Revision
from signoff.tables.deployments import LiveRevision

_AGENTS_MAX = 5_000

_Agent = tuple[str, str, str]


@dataclass(slots=True)
class Mentions:
    """Agents by the name they use. A draft counts in every environment, a live revision in its own."""

    drafts: dict[str, set[_Agent]] = field(default_factory=dict[str, set[_Agent]])
    live: dict[tuple[str, str], set[_Agent]] = field(default_factory=dict[tuple[str, str], set[_Agent]])

    def of(self, environment_id: str, name: str) -> tuple[Use, ...]:
        """Return the agents that use `name` in an environment, by slug."""
        drafts, live = self.drafts.get(name, set()), self.live.get((environment_id, name), set())
        return tuple(Use(*agent, agent in drafts, agent in live) for agent in sorted(drafts | live, key=lambda a: a[1]))


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What the agents of a workspace name: slots of connections, and secrets."""

    slots: Mentions
    secrets: Mentions


def mentioned(session: Session, viewer: Principal) -> Mentioned:
    """Return which agents of the viewer's workspace name which slot and which secret."""
    authorize(viewer, "agent.read")
    found = Mentioned(Mentions(), Mentions())
    agent = (Agent.id, Agent.slug, Agent.name)
    drafts = session.execute(
        select(*agent, Draft.body["tools"], Draft.body["secrets"])
        .join(Draft, Draft.agent_id == Agent.id)
        .where(*visible_agents(viewer))
        .limit(_AGENTS_MAX)
    )
    for agent_id, slug, name, tools, secrets in drafts:
        for known, names in ((found.slots, _slots(tools)), (found.secrets, _texts(secrets))):
            for word in names:
                known.drafts.setdefault(word, set()).add((agent_id, slug, name))
    live = session.execute(
        select(*agent, Revision.body["tools"], Revision.body["secrets"], LiveRevision.environment_id)
        .join(LiveRevision, LiveRevision.agent_id == Agent.id)
        .join(Revision, Revision.id == LiveRevision.revision_id)
        .where(*visible_agents(viewer))
        .limit(_AGENTS_MAX)
    )
    for agent_id, slug, name, tools, secrets, environment_id in live:
        for known, names in ((found.slots, _slots(tools)), (found.secrets, _texts(secrets))):
            for word in names:
                known.live.setdefault((environment_id, word), set()).add((agent_id, slug, name))
    return found


def _slots(tools: Any) -> set[str]:
    # A draft may hold anything a person typed so far.
    parts = cast("Iterable[Any]", tools) if isinstance(tools, list) else ()
    named = [cast("Mapping[str, Any]", part).get("slot") for part in parts if isinstance(part, dict)]
    return {slot for slot in named if isinstance(slot, str)}


def _texts(value: Any) -> set[str]:
    parts = cast("Iterable[Any]", value) if isinstance(value, list) else ()
    return {part for part in parts if isinstance(part, str)}
