"""What a revision needs from the environment it serves in, by name; and what of that an environment lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.callees import NUMBER_CHARS, pinned, serving
from signoff.agents.owners import members_by_email
from signoff.agents.signed_bundle.document import AgentHole, ConnectionHole, Holes, ToolHole
from signoff.agents.sub_agents import LIVE
from signoff.kit.canonical import content_hash
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection, Secret, Tool
from signoff.tables.people import Environment

Lack = Literal["connection", "tool", "secret", "person", "model", "agent", "dataset"]


@dataclass(frozen=True, slots=True)
class Missing:
    """One binding that is not there, or not as it is needed. `name` is `slot`, `slot.tool`, a secret, an address …"""

    kind: Lack
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Offered:
    kind: str
    state: str
    tools: Mapping[str, Tool]


def holes_of(session: Session, workspace_id: str, body: Body) -> Holes:
    """Return the holes of a body, described as production fills them; as another environment does where it does not.

    What a bundle may hold is not asked here: a tool whose name cannot be shown still has to be there.
    """
    offered = _offered(session, workspace_id, body)
    return Holes.model_construct(
        connections=[_connection_hole(slot.slot, body, offered.get(slot.slot)) for slot in body.tools],
        secrets=sorted(body.secrets),
        people=_addresses(body),
        models=[body.model.name, *body.model.fallbacks],
        agents=_agent_holes(session, workspace_id, body),
    )


def missing_in(
    session: Session,
    workspace_id: str,
    environment_id: str,
    holes: Holes,
    *,
    known_model: Callable[[str], bool | None] | None = None,
) -> list[Missing]:
    """Return what an environment does not give, in as many queries as there are kinds; of each agent one or two more.

    Args:
        known_model: whether a model can be called here; None leaves models unlooked at.
    """
    slots = [hole.slot for hole in holes.connections]
    here = _by_slot(session, [Connection.environment_id == environment_id, Connection.slug.in_(slots)])
    found: list[Missing] = []
    for hole in holes.connections:
        found += _lacks(hole, here.get(hole.slot))
    wanted = select(Secret.name).where(Secret.environment_id == environment_id, Secret.name.in_(holes.secrets))
    kept = set(session.scalars(wanted))
    found += [Missing("secret", name, f"There is no secret {name}.") for name in holes.secrets if name not in kept]
    members = members_by_email(session, workspace_id, holes.people)
    found += [
        Missing("person", address, f"{address} is no active member, and a gate asks them.")
        for address in holes.people
        if address not in members
    ]
    found += _agents_lacking(session, workspace_id, environment_id, holes.agents)
    if known_model is not None:
        found += [
            Missing("model", name, f"No provider here is set up for {name}.")
            for name in holes.models
            if known_model(name) is False
        ]
    return found


def differing_in(session: Session, environment_id: str, holes: Holes) -> list[Missing]:
    """Return the tools that an environment has, and that take or give something else than where the bundle was made."""
    slots = [hole.slot for hole in holes.connections]
    here = _by_slot(session, [Connection.environment_id == environment_id, Connection.slug.in_(slots)])
    return [
        Missing("tool", f"{hole.slot}.{tool.name}", f"{hole.slot}.{tool.name} has another schema here.")
        for hole in holes.connections
        for tool in hole.tools
        if tool.schema_hash is not None
        and (offered := here.get(hole.slot)) is not None
        and (known := offered.tools.get(tool.name)) is not None
        and schema_hash(known) != tool.schema_hash
    ]


def schema_hash(tool: Tool) -> str:
    """Return the hash of what a tool takes and gives. Its description may be worded otherwise elsewhere."""
    definition = tool.definition
    return content_hash([definition.get("input_schema"), definition.get("output_schema")])


def _offered(session: Session, workspace_id: str, body: Body) -> dict[str, _Offered]:
    slots = [slot.slot for slot in body.tools]
    return _by_slot(session, [Connection.workspace_id == workspace_id, Connection.slug.in_(slots)])


def _by_slot(session: Session, where: Iterable[Any]) -> dict[str, _Offered]:
    """Return slot → what is offered there. Of several environments that have the slot, production comes last and
    counts."""
    rows = session.execute(
        select(Connection, Tool)
        .join(Environment, Environment.id == Connection.environment_id)
        .outerjoin(Tool, Tool.connection_id == Connection.id)
        .where(*where, Connection.state != "disconnected")
        .order_by(Environment.is_production, Environment.position.desc(), Connection.id)
    )
    found: dict[str, tuple[Connection, dict[str, Tool]]] = {}
    for row in rows:
        connection: Connection = row.Connection
        if connection.slug not in found or found[connection.slug][0].id != connection.id:
            found[connection.slug] = (connection, {})
        if row.Tool is not None:
            found[connection.slug][1][row.Tool.name] = row.Tool
    return {slot: _Offered(one.kind, one.state, tools) for slot, (one, tools) in found.items()}


def _connection_hole(slot: str, body: Body, offered: _Offered | None) -> ConnectionHole:
    allowed = [one for each in body.tools if each.slot == slot for one in each.allow]
    known: Mapping[str, Tool] = offered.tools if offered else {}
    tools = [
        ToolHole.model_construct(
            name=one.tool,
            effect=tool.effect if (tool := known.get(one.tool)) else one.effect,
            schema_hash=schema_hash(tool) if tool else None,
        )
        for one in allowed
    ]
    return ConnectionHole.model_construct(slot=slot, kind=offered.kind if offered else None, tools=tools)


def _lacks(hole: ConnectionHole, offered: _Offered | None) -> Iterable[Missing]:
    if offered is None:
        kind = f" ({hole.kind} where it was made)" if hole.kind else ""
        yield Missing("connection", hole.slot, f"There is no connection {hole.slot}{kind}.")
        return
    if offered.state != "active":
        yield Missing("connection", hole.slot, f"The connection {hole.slot} is {offered.state}.")
    for tool in hole.tools:
        known = offered.tools.get(tool.name)
        if known is None:
            yield Missing("tool", f"{hole.slot}.{tool.name}", f"{hole.slot} has no tool {tool.name}.")
        elif known.state != "accepted":
            text = f"The tool {tool.name} of {hole.slot} is {known.state}; it has to be accepted."
            yield Missing("tool", f"{hole.slot}.{tool.name}", text)


def _agent_holes(session: Session, workspace_id: str, body: Body) -> list[AgentHole]:
    called = sorted({(one.agent, one.revision) for one in body.sub_agents})
    known = _known_agents(session, workspace_id, {slug for slug, _ in called})
    return [
        AgentHole.model_construct(slug=slug, revision=ref, hash=_meant(session, known.get(slug), ref))
        for slug, ref in called
    ]


def _meant(session: Session, agent_id: str | None, ref: str) -> str | None:
    """Return the hash of what a number means here; None for what means the same everywhere, or nothing here."""
    if agent_id is None or not ref.isdecimal() or len(ref) > NUMBER_CHARS:
        return None
    row = pinned(session, agent_id, ref)
    return row.hash if row is not None else None


def _known_agents(session: Session, workspace_id: str, slugs: set[str]) -> dict[str, str]:
    if not slugs:
        return {}
    rows = session.execute(
        select(Agent.slug, Agent.id).where(Agent.workspace_id == workspace_id, Agent.slug.in_(slugs))
    )
    return {row.slug: row.id for row in rows}


def _agents_lacking(
    session: Session, workspace_id: str, environment_id: str, holes: Iterable[AgentHole]
) -> list[Missing]:
    known = _known_agents(session, workspace_id, {hole.slug for hole in holes})
    found: list[Missing] = []
    for hole in holes:
        agent_id = known.get(hole.slug)
        if agent_id is None:
            found.append(Missing("agent", hole.slug, f"There is no agent {hole.slug}, and it is called."))
        elif hole.revision == LIVE:
            if serving(session, agent_id, environment_id) is None:
                found.append(Missing("agent", hole.slug, f"No revision of the agent {hole.slug} serves here."))
        elif (row := pinned(session, agent_id, hole.revision)) is None:
            text = f"The agent {hole.slug} has no revision {hole.revision}."
            found.append(Missing("agent", hole.slug, text))
        elif hole.hash is not None and row.hash != hole.hash:
            text = f"Revision {hole.revision} of the agent {hole.slug} is another here. Pin the hash that is meant."
            found.append(Missing("agent", hole.slug, text))
    return found


def _addresses(body: Body) -> list[str]:
    """Return the members that are asked by address. Seats and roles are filled wherever an agent is."""
    asked = [one for gate in body.gates for one in gate.asks]
    asked += [one for gate in body.gates for rung in gate.escalation for one in rung.to]
    asked += body.asking.asks if body.asking.questions or body.asking.logins else []
    return sorted({one.strip().lower() for one in asked if "@" in one})
