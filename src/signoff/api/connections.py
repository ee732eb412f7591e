"""Links to outside systems, and the tools they offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Desk, Id, Size
from signoff.api.shapes import Body, Json, Name, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.connections import actions, discovery, queries
from signoff.connections.labels import Confidentiality, ResultLabel
from signoff.connections.states import ConnectionState, Effect, Kind
from signoff.connections.views import ConnectionDetail, ConnectionRow, ToolRow, Use
from signoff.people import queries as people
from signoff.people.access import Principal

router = make_router("connections")

_ToolName = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.\-]{1,200}$", description="The tool's name.")]


class NewConnection(Body):
    """A connection to make. Its slug is the slot agents name; `config` depends on the kind."""

    environment: SlugText
    slug: SlugText
    name: Name
    kind: Kind
    config: Json


class ConnectionChange(Body):
    """What to change. A new address means: secrets bound to the old one must be entered again."""

    name: Name | None = None
    config: Json | None = None
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class Switch(Body):
    """Why."""

    reason: Reason = ""


class AcceptTool(Body):
    """The hash of what was looked at; left out, what is offered now is accepted."""

    definition_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class ToolEffect(Body):
    """What a call of the tool does to the world, and whether repeating one with the same key is harmless."""

    effect: Effect
    is_idempotent: bool | None = None


_Argument = Annotated[str, Field(min_length=1, max_length=200)]


class NewLabels(Body):
    """What flows through a tool. `sinks` null: every argument that is not payload may choose the target."""

    result: ResultLabel
    confidentiality: Confidentiality
    sinks: Annotated[list[_Argument], Field(max_length=50)] | None = None
    payload: Annotated[list[_Argument], Field(max_length=50, default_factory=list)]


@dataclass(frozen=True, slots=True)
class ConnectionAnswer:
    """A connection, and which agents name its slot."""

    connection: ConnectionDetail
    used_by: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of a connection, by name."""

    items: tuple[ToolRow, ...]


@router.get("/v1/{workspace}/connections", response_model=Listed[ConnectionRow])
async def connections(
    desk: AtDesk,
    environment: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = None,
    kind: Kind | None = None,
    state: ConnectionState | None = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The connections, newest first."""
    page = await desk.read(
        queries.connections_page, environment=environment, kind=kind, state=state, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.post("/v1/{workspace}/connections", response_model=Made, status_code=201)
async def create_connection(desk: AtMakingDesk, body: NewConnection) -> Response:
    """Make a connection. Nothing is opened yet: `:discover` asks for its tools."""

    def work(session: Session, principal: Principal) -> Made:
        place = people.environment_by_slug(session, principal, body.environment)
        made = actions.create_connection(
            session,
            principal,
            environment_id=place.id,
            slug=body.slug,
            name=body.name,
            kind=body.kind,
            config=body.config,
            settings=desk.settings,
        )
        return Made(id=made)

    return answer(await desk.make("connection.create", body.model_dump(mode="json"), work), 201)


@router.get("/v1/{workspace}/connections/{connection}", response_model=ConnectionAnswer)
async def connection(desk: AtDesk, connection: Id) -> Response:
    """One connection."""
    return await _connection(desk, connection)


async def _connection(desk: Desk, connection_id: str) -> Response:
    return answer(await desk.read(_detail, connection_id))


def _detail(session: Session, viewer: Principal, connection_id: str) -> ConnectionAnswer:
    found = queries.connection(session, viewer, connection_id)
    return ConnectionAnswer(found, queries.used_by(session, viewer, connection_id))


@router.patch("/v1/{workspace}/connections/{connection}", response_model=ConnectionAnswer)
async def edit_connection(desk: AtDesk, connection: Id, body: ConnectionChange) -> Response:
    """Change name or configuration."""
    await desk.write(
        actions.edit_connection,
        connection,
        name=body.name,
        config=body.config,
        version=body.version,
        settings=desk.settings,
    )
    return await _connection(desk, connection)


@router.post("/v1/{workspace}/connections/{connection}:disable", response_model=ConnectionAnswer)
async def disable_connection(desk: AtDesk, connection: Id, body: Switch) -> Response:
    """Switch a connection off: no call goes through it from now on."""
    await desk.write(actions.disable_connection, connection, reason=body.reason)
    return await _connection(desk, connection)


@router.post("/v1/{workspace}/connections/{connection}:enable", response_model=ConnectionAnswer)
async def enable_connection(desk: AtDesk, connection: Id, body: Switch) -> Response:
    """Switch a connection on again."""
    await desk.write(actions.enable_connection, connection, reason=body.reason)
    return await _connection(desk, connection)


@router.delete("/v1/{workspace}/connections/{connection}", response_model=Done)
async def disconnect(desk: AtDesk, connection: Id) -> Response:
    """Disconnect: no call starts through it from now on. Its secrets are deleted, its login is given back."""
    await desk.write(actions.disconnect, connection)
    return answer(Done())


@router.post("/v1/{workspace}/connections/{connection}:test", response_model=discovery.Checked)
async def check_connection(desk: AtDesk, connection: Id) -> Response:
    """Try the connection now. That it does not work is an answer, not an error."""
    return answer(await discovery.check(desk.store, desk.house.services, desk.principal, connection))


@router.post("/v1/{workspace}/connections/{connection}:discover", response_model=discovery.Checked)
async def discover(desk: AtDesk, connection: Id) -> Response:
    """Ask for the tools and pin them. A tool that changed is refused until it is accepted again."""
    return answer(await discovery.discover(desk.store, desk.house.services, desk.principal, connection))


@router.get("/v1/{workspace}/connections/{connection}/tools", response_model=Tools)
async def tools(desk: AtDesk, connection: Id) -> Response:
    """The tools of a connection."""
    return answer(Tools(await desk.read(queries.tools_of, connection)))


@router.post("/v1/{workspace}/connections/{connection}/tools/{tool}:accept", response_model=Done)
async def accept_tool(desk: AtDesk, connection: Id, tool: _ToolName, body: AcceptTool) -> Response:
    """Accept a new or changed tool as it is offered now."""
    await desk.write(actions.accept_tool, connection, tool=tool, definition_hash=body.definition_hash)
    return answer(Done())


@router.post("/v1/{workspace}/connections/{connection}/tools/{tool}:effect", response_model=Done)
async def set_tool_effect(desk: AtDesk, connection: Id, tool: _ToolName, body: ToolEffect) -> Response:
    """Set a tool's effect class. It is never milder than the system's own hints leave open."""
    await desk.write(
        actions.set_tool_effect, connection, tool=tool, effect=body.effect, is_idempotent=body.is_idempotent
    )
    return answer(Done())


@router.post("/v1/{workspace}/connections/{connection}/tools/{tool}:labels", response_model=Done)
async def set_tool_labels(desk: AtDesk, connection: Id, tool: _ToolName, body: NewLabels) -> Response:
    """Say how far a tool's results are believed, who may see them, and which arguments choose its target."""
    await desk.write(actions.set_tool_labels, connection, tool=tool, **body.model_dump())
    return answer(Done())
