"""The agents that a revision calls, as they stand where it is to serve, and how much is at stake with each."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.callees import pinned, serving
from signoff.agents.revisions import revision_body
from signoff.agents.tier import Level, Tier, tier_of
from signoff.tables.agents import Agent
from signoff.watch.probes.facts import CalledAgent
from signoff.watch.probes.load_connections import tools_in


def called_agents(session: Session, workspace_id: str, environment_id: str, body: Body) -> tuple[CalledAgent, ...]:
    """Return the agents that a body names, in its order; one that is called twice is told twice."""
    found: list[CalledAgent] = []
    for entry in body.sub_agents:
        agent = session.scalar(select(Agent).where(Agent.workspace_id == workspace_id, Agent.slug == entry.agent))
        row = None
        if agent is not None:
            row = (
                pinned(session, agent.id, entry.revision)
                if entry.is_pinned
                else serving(session, agent.id, environment_id)
            )
        state = agent.state if agent is not None else "missing"
        found.append(CalledAgent(entry.agent, entry.is_pinned, row.number if row is not None else None, state))
    return tuple(found)


def tier_in(
    session: Session,
    workspace_id: str,
    environment_id: str,
    body: Body,
    *,
    declared: Level | None = None,
    depth: int = 0,
) -> Tier:
    """Return the risk tier of a body in an environment: at least that of each agent it calls, and they call.

    Args:
        declared: what the workspace holds it to be; it may raise the tier and never lower it.
    """
    children: list[tuple[str, Tier]] = []
    for entry in body.sub_agents if depth < body.limits.sub_agent_depth else ():
        agent_id = session.scalar(select(Agent.id).where(Agent.workspace_id == workspace_id, Agent.slug == entry.agent))
        if agent_id is None:
            continue
        row = (
            pinned(session, agent_id, entry.revision) if entry.is_pinned else serving(session, agent_id, environment_id)
        )
        if row is not None:
            inner = revision_body(session, row.id)
            children.append((entry.agent, tier_in(session, workspace_id, environment_id, inner, depth=depth + 1)))
    return tier_of(body, tools_in(session, environment_id, body), declared, sub_agents=children)
