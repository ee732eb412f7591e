"""What agents can be given: every connection of a workspace by the slot that names it, over all environments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.states import EFFECTS
from signoff.people.access import Principal, authorize
from signoff.tables.connections import Connection, Tool
from signoff.tables.people import Environment

_TOOLS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class CatalogTool:
    """A tool as one connection has it. Only an `accepted` one may be called."""

    name: str
    description: str
    effect: str
    state: str
    is_idempotent: bool
    input_schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CatalogConnection:
    """The connection that one environment has for a slot."""

    id: str
    slug: str
    name: str
    kind: str
    state: str
    health: str
    last_error: str | None
    checked_at: datetime | None
    environment: str
    environment_name: str
    is_production: bool
    tools: Mapping[str, CatalogTool]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a slot offers over all environments, by name alone. `environments`: those that have a connection for it."""

    slug: str
    name: str
    environments: tuple[str, ...]
    tools: tuple[str, ...]


def offers(session: Session, viewer: Principal) -> dict[str, Offer]:
    """Return every slot and the names of its tools, without reading what any of them is. Two queries."""
    authorize(viewer, "connection.read")
    wanted = (
        select(Connection.id, Connection.slug, Connection.name, Environment.slug)
        .join(Environment, Environment.id == Connection.environment_id)
        .where(Connection.workspace_id == viewer.workspace_id, Connection.state != "disconnected")
        .order_by(Connection.slug, Environment.is_production, Environment.slug)
    )
    if viewer.environment_id:
        wanted = wanted.where(Connection.environment_id == viewer.environment_id)
    places: dict[str, list[tuple[str, str, str]]] = {}
    for connection_id, slug, name, environment in session.execute(wanted):
        places.setdefault(slug, []).append((connection_id, name, environment))
    ids = [place[0] for found in places.values() for place in found]
    named: dict[str, list[str]] = {}
    tools = select(Tool.connection_id, Tool.name).where(Tool.connection_id.in_(ids))
    for connection_id, name in session.execute(tools.order_by(Tool.name).limit(_TOOLS_MAX)):
        named.setdefault(connection_id, []).append(name)
    return {slug: _offer(slug, found, named) for slug, found in places.items()}


def _offer(slug: str, places: list[tuple[str, str, str]], named: Mapping[str, list[str]]) -> Offer:
    tools = dict.fromkeys(name for place in places for name in named.get(place[0], ()))
    return Offer(slug, places[-1][1], tuple(place[2] for place in places), tuple(tools))


def catalog(
    session: Session, viewer: Principal, *, slots: Collection[str] | None = None
) -> dict[str, list[CatalogConnection]]:
    """Return slot → its connection in each environment that has one, production last. Two queries.

    Args:
        slots: only these; None returns all.
    """
    authorize(viewer, "connection.read")
    wanted = (
        select(Connection, Environment)
        .join(Environment, Environment.id == Connection.environment_id)
        .where(Connection.workspace_id == viewer.workspace_id, Connection.state != "disconnected")
        .order_by(Connection.slug, Environment.is_production, Environment.slug)
    )
    if viewer.environment_id:
        wanted = wanted.where(Connection.environment_id == viewer.environment_id)
    if slots is not None:
        wanted = wanted.where(Connection.slug.in_(sorted(slots)))
    rows = session.execute(wanted).all()
    tools = _tools(session, [row[0].id for row in rows])
    found: dict[str, list[CatalogConnection]] = {}
    for connection, environment in rows:
        found.setdefault(connection.slug, []).append(
            CatalogConnection(
                id=connection.id,
                slug=connection.slug,
                name=connection.name,
                kind=connection.kind,
                state=connection.state,
                health=connection.health,
                last_error=connection.last_error,
                checked_at=connection.checked_at,
                environment=environment.slug,
                environment_name=environment.name,
                is_production=environment.is_production,
                tools=tools.get(connection.id, {}),
            )
        )
    return found


def _tools(session: Session, connection_ids: list[str]) -> dict[str, dict[str, CatalogTool]]:
    found: dict[str, dict[str, CatalogTool]] = {}
    rows = session.scalars(
        select(Tool).where(Tool.connection_id.in_(connection_ids)).order_by(Tool.name).limit(_TOOLS_MAX)
    )
    for row in rows:
        schema: Any = row.definition.get("input_schema")
        found.setdefault(row.connection_id, {})[row.name] = CatalogTool(
            name=row.name,
            description=str(row.definition.get("description") or ""),
            effect=row.effect,
            state=row.state,
            is_idempotent=row.is_idempotent,
            input_schema=cast("dict[str, Any]", schema) if isinstance(schema, dict) else {},
        )
    return found


def gravest(effects: Collection[str]) -> str:
    """Return the gravest of several classes; what is not known is the gravest there is."""
    known = [EFFECTS.index(effect) if effect in EFFECTS else len(EFFECTS) - 1 for effect in effects]
    return EFFECTS[max(known, default=len(EFFECTS) - 1)]
