"""The connections, tools and secrets of an environment, as probes ask about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.agents.coverage import gravest
from signoff.agents.lint.facts import ToolFacts
from signoff.agents.tier.amounts import described_arguments
from signoff.connections.labels import labels_of
from signoff.kit.canonical import canonical_json
from signoff.tables.connections import Connection, Login, Secret, SecretGrant, Tool
from signoff.tables.people import Environment
from signoff.watch.probes.facts import Binding, LoginFact, SecretFact, ToolFact

_ROWS_MAX = 2_000


def bindings(session: Session, place: Environment, slots: Sequence[str]) -> dict[str, Binding]:
    """Return the connection of each slot in an environment; of a disconnected one nothing is left."""
    rows = session.execute(
        select(Connection, Environment.slug, Login)
        .join(Environment, Environment.id == Connection.environment_id)
        .outerjoin(Login, Login.connection_id == Connection.id)
        .where(
            Connection.workspace_id == place.workspace_id,
            Connection.slug.in_(slots),
            Connection.state != "disconnected",
        )
        .limit(_ROWS_MAX)
    ).all()
    elsewhere: dict[tuple[str, str], list[str]] = {}
    for row, environment, _ in rows:
        if row.environment_id != place.id:
            elsewhere.setdefault((row.slug, _where(row)), []).append(environment)
    return {
        row.slug: Binding(
            connection_id=row.id,
            slot=row.slug,
            state=row.state,
            health=row.health,
            checked_at=row.checked_at,
            last_error=row.last_error or "",
            address=_host(row),
            same_as=tuple(sorted(elsewhere.get((row.slug, _where(row)), []))),
            login=_login(login),
        )
        for row, _, login in rows
        if row.environment_id == place.id
    }


def tools_in(session: Session, environment_id: str, body: Body) -> dict[tuple[str, str], ToolFacts]:
    """Return the tools of the body's slots as they are in an environment."""
    rows = session.execute(
        select(Connection.slug, Tool)
        .join(Tool, Tool.connection_id == Connection.id)
        .where(
            Connection.environment_id == environment_id,
            Connection.slug.in_([slot.slot for slot in body.tools]),
            Connection.state != "disconnected",
        )
        .limit(_ROWS_MAX)
    )
    return {
        (slot, tool.name): ToolFacts(tool.effect, _schema(tool.definition), tool.state, labels_of(tool.labels))
        for slot, tool in rows
    }


def tools_of(body: Body, tools: Mapping[tuple[str, str], ToolFacts]) -> dict[tuple[str, str], ToolFact]:
    """Return tools as probes ask about them: of those the revision allows, by its own class of effect too."""
    said = {(slot.slot, one.tool): one.effect for slot in body.tools for one in slot.allow}
    return {
        name: ToolFact(gravest(tool.effect, said.get(name) or "read"), tool.state, _arguments(tool.schema))
        for name, tool in tools.items()
    }


def secrets_in(session: Session, environment_id: str, agent_id: str, names: Sequence[str]) -> dict[str, SecretFact]:
    """Return the secrets that a revision lists and the environment has."""
    rows = session.execute(
        select(Secret, SecretGrant.agent_id)
        .outerjoin(SecretGrant, and_(SecretGrant.secret_id == Secret.id, SecretGrant.agent_id == agent_id))
        .where(Secret.environment_id == environment_id, Secret.name.in_(names))
    )
    return {
        row.name: SecretFact(row.principal, row.owner_name or "", row.expires_at, row.is_open_to_all or bool(granted))
        for row, granted in rows
    }


def _login(row: Login | None) -> LoginFact | None:
    if row is None:
        return None
    return LoginFact(
        row.state, row.principal, row.member_name or "", row.can_refresh, row.expires_at, row.last_refreshed_at,
        tuple(str(one) for one in row.scopes_asked), tuple(str(one) for one in row.scopes_granted),
    )  # fmt: skip


def _where(row: Connection) -> str:
    """Return what tells two systems apart: the address where there is one, else everything that is configured."""
    url = row.config.get("url")
    return str(url).rstrip("/") if url else canonical_json(row.config)


def _host(row: Connection) -> str:
    url = row.config.get("url")
    try:
        return urlsplit(str(url)).hostname or "" if url else ""
    except ValueError:
        return ""


def _schema(definition: Mapping[str, Any]) -> dict[str, Any]:
    schema: Any = definition.get("input_schema")
    return cast("dict[str, Any]", schema) if isinstance(schema, dict) else {}


def _arguments(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of arguments, also of those within others; of an amount of money its whole path."""
    found = described_arguments(schema)
    return frozenset(path if is_money else path.rpartition(".")[2] for path, _, is_money in found)
