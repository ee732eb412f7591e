"""What people and programs read about connections, tools and secrets. Every query but `bound_tools` takes a viewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Row, Select, String, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from signoff.connections.doctor import diagnosis_of
from signoff.connections.kinds import hosts_of
from signoff.connections.labels import labels_of
from signoff.connections.lookup import connection_for
from signoff.connections.placeholders import names_in
from signoff.connections.states import gone_slug, suggested_effect
from signoff.connections.views import (
    BoundConnection,
    BoundTool,
    ConnectionDetail,
    ConnectionRow,
    ToolRow,
    Use,
)
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize
from signoff.people.visible import visible_agents
from signoff.tables.agents import Agent, Draft, Revision
from signoff.tables.connections import Connection, Secret, Tool
from signoff.tables.deployments import LiveRevision
from signoff.tables.keyset import newest_first
from signoff.tables.people import Environment

_TOOLS_MAX = 2_000
_USES_MAX = 500


class NamesSlot(Protocol):
    """A part of a body that names a connection's slot."""

    @property
    def slot(self) -> str:
        """The slug of the connection."""
        ...


class NamesSlots(Protocol):
    """A body, as far as this room needs to know it."""

    @property
    def tools(self) -> Sequence[NamesSlot]:
        """The slots it uses."""
        ...


def connections_page(
    session: Session,
    viewer: Principal,
    *,
    environment: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    health: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[ConnectionRow]:
    """Return one page of connections, newest first; those disconnected only when asked for.

    Args:
        environment: an id or a slug.
    """
    authorize(viewer, "connection.read")
    wanted = _connections(viewer, environment)
    wanted = wanted.where(Connection.state == state if state else Connection.state != "disconnected")
    if kind:
        wanted = wanted.where(Connection.kind == kind)
    if health:
        wanted = wanted.where(Connection.health == health)
    page = newest_first(session, wanted, Connection.id, cursor=cursor, size=size)
    counts = _tool_counts(session, [row[0].id for row in page.rows])
    return Page([_row(row, counts) for row in page.rows], page.next_cursor, page.previous_cursor)


def connection(session: Session, viewer: Principal, connection_id: str) -> ConnectionDetail:
    """Return one connection.

    Raises:
        NotFound: it is not in the viewer's workspace and environment.
    """
    found = connection_for(session, viewer, connection_id, "connection.read")
    return _detail(session, viewer, found.id)


def connection_by_slug(session: Session, viewer: Principal, *, environment: str, slug: str) -> ConnectionDetail:
    """Return the connection that is called `slug` in an environment (id or slug).

    Raises:
        NotFound: there is none that the viewer may see.
    """
    authorize(viewer, "connection.read")
    row = session.execute(_connections(viewer, environment).where(Connection.slug == slug)).one_or_none()
    if row is None:
        raise NotFound("There is no such connection in this environment.")
    return _detail(session, viewer, row[0].id)


def _detail(session: Session, viewer: Principal, connection_id: str) -> ConnectionDetail:
    row = session.execute(_connections(viewer, None).where(Connection.id == connection_id)).one()
    found: Connection = row[0]
    names = sorted(names_in(found.config))
    entered = set(session.scalars(select(Secret.name).where(Secret.connection_id == found.id)))
    return ConnectionDetail(
        row=_row(row, _tool_counts(session, [found.id])),
        config=found.config,
        hosts=hosts_of(found.kind, found.config),
        secret_names=tuple(names),
        missing_secrets=tuple(name for name in names if name not in entered),
    )


def _connections(viewer: Principal, environment: str | None) -> Select[Connection, str]:
    wanted = (
        select(Connection, Environment.slug)
        .join(Environment, Environment.id == Connection.environment_id)
        .where(Connection.workspace_id == viewer.workspace_id)
    )
    if viewer.environment_id:
        wanted = wanted.where(Connection.environment_id == viewer.environment_id)
    if environment:
        wanted = wanted.where(_is_environment(environment))
    return wanted


def _is_environment(text: str) -> ColumnElement[bool]:
    return or_(Environment.id == text, Environment.slug == text)


def _tool_counts(session: Session, connection_ids: list[str]) -> dict[str, tuple[int, int]]:
    if not connection_ids:
        return {}
    waiting = func.sum(case((Tool.state.in_(("new", "changed")), 1), else_=0))
    rows = session.execute(
        select(Tool.connection_id, func.count(), waiting)
        .where(Tool.connection_id.in_(connection_ids), Tool.state != "removed")
        .group_by(Tool.connection_id)
    )
    return {connection_id: (int(total), int(waits or 0)) for connection_id, total, waits in rows}


def _row(found: Row[*tuple[Any, ...]], counts: dict[str, tuple[int, int]]) -> ConnectionRow:
    row: Connection = found[0]
    total, waiting = counts.get(row.id, (0, 0))
    return ConnectionRow(
        id=row.id,
        slug=row.slug,
        name=row.name,
        kind=row.kind,
        state=row.state,
        health=row.health,
        last_error=row.last_error,
        last_error_code=row.last_error_code,
        diagnosis=diagnosis_of(row.last_error_code),
        broken_at=row.broken_at,
        checked_at=row.checked_at,
        environment_id=row.environment_id,
        environment_slug=found[1],
        version=row.version,
        created_at=row.created_at,
        tools=total,
        tools_waiting=waiting,
    )


def tools_of(session: Session, viewer: Principal, connection_id: str) -> tuple[ToolRow, ...]:
    """Return every tool of a connection, by name."""
    found = connection_for(session, viewer, connection_id, "connection.read")
    rows = session.scalars(select(Tool).where(Tool.connection_id == found.id).order_by(Tool.name).limit(_TOOLS_MAX))
    return tuple(_tool_row(row) for row in rows)


def _tool_row(row: Tool) -> ToolRow:
    newest: dict[str, Any] = row.offered or row.definition
    return ToolRow(
        id=row.id,
        connection_id=row.connection_id,
        name=row.name,
        description=str(row.definition.get("description", "")),
        definition=row.definition,
        definition_hash=row.definition_hash,
        offered=row.offered,
        offered_hash=row.offered_hash,
        effect=row.effect,
        effect_source=row.effect_source,
        suggested_effect=suggested_effect(newest.get("annotations") or {}),
        is_idempotent=row.is_idempotent,
        state=row.state,
        discovered_at=row.discovered_at,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
        labels=labels_of(row.labels),
    )


def used_by(session: Session, viewer: Principal, connection_id: str) -> tuple[Use, ...]:
    """Return the agents whose draft, or whose live revision in this environment, names the connection's slot."""
    found = connection_for(session, viewer, connection_id, "connection.read")
    authorize(viewer, "agent.read")
    live = and_(LiveRevision.agent_id == Agent.id, LiveRevision.environment_id == found.environment_id)
    in_draft, in_live = _names_slot(Draft.body, found.slug), _names_slot(Revision.body, found.slug)
    rows = session.execute(
        select(Agent.id, Agent.slug, Agent.name, func.coalesce(in_draft, False), func.coalesce(in_live, False))
        .outerjoin(Draft, Draft.agent_id == Agent.id)
        .outerjoin(LiveRevision, live)
        .outerjoin(Revision, Revision.id == LiveRevision.revision_id)
        .where(*visible_agents(viewer), or_(in_draft, in_live))
        .order_by(Agent.slug)
        .limit(_USES_MAX)
    )
    return tuple(Use(row[0], row[1], row[2], bool(row[3]), bool(row[4])) for row in rows)


def _names_slot(body: Any, slug: str) -> ColumnElement[bool]:
    # A slug is letters, digits and hyphens, so it means nothing to LIKE. The two databases space JSON differently.
    text = cast(body["tools"], String)
    return or_(text.contains(f'"slot": "{slug}"'), text.contains(f'"slot":"{slug}"'))


def bound_tools(
    session: Session, *, workspace_id: str, environment_id: str, body: NamesSlots
) -> dict[str, BoundConnection]:
    """Return, for each slot of a body, the environment's connection of that slug with its tools.

    For the engine and the tool gateway. A slot without a connection is absent. Connections and tools that may not be
    used are there too, so that a refusal can say why: use only `active` ones with `accepted` tools.
    """
    slots = sorted({part.slot for part in body.tools})
    if not slots:
        return {}
    connections = session.scalars(
        select(Connection).where(
            Connection.workspace_id == workspace_id,
            Connection.environment_id == environment_id,
            Connection.slug.in_(slots),
        )
    ).all()
    tools: dict[str, dict[str, BoundTool]] = {row.id: {} for row in connections}
    for row in session.scalars(select(Tool).where(Tool.connection_id.in_(list(tools)))):
        tools[row.connection_id][row.name] = BoundTool(
            row.definition, row.definition_hash, row.effect, row.is_idempotent, row.state
        )
    return {
        row.slug: BoundConnection(row.id, row.slug, row.kind, row.config, row.version, row.state, tools[row.id])
        for row in connections
    }


def was_disconnected(session: Session, *, environment_id: str, slug: str) -> bool:
    """Return whether a connection of this slug was disconnected here and none has taken its place. For the gateway."""
    rows = session.execute(
        select(Connection.id, Connection.slug).where(
            Connection.environment_id == environment_id,
            Connection.state == "disconnected",
            Connection.slug.startswith(f"{slug[:40]}-gone-", autoescape=True),
        )
    )
    return any(row.slug == gone_slug(slug, row.id) for row in rows)
