"""A connection is made, changed, switched off and on, and ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from signoff.connections.kinds import checked_config, hosts_of
from signoff.connections.logins.revoking import give_back
from signoff.connections.lookup import connection_for, environment_for
from signoff.connections.states import MOVES, ConnectionState, gone_slug
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.kit.text import is_slug, storable
from signoff.people.access import Principal
from signoff.record import audit
from signoff.settings import Settings
from signoff.tables.connections import Connection, Secret
from signoff.tables.people import Environment

_NAME_CHARS_MAX = 200


def create_connection(
    session: Session,
    principal: Principal,
    *,
    environment_id: str,
    slug: str,
    name: str,
    kind: str,
    config: Mapping[str, Any],
    settings: Settings | None = None,
) -> str:
    """Make a connection; its slug is the slot that agents name. Returns its id. Nothing is opened yet.

    Args:
        environment_id: the environment's id or slug.
        settings: when given, the configuration must also be one the operator allows.

    Raises:
        Malformed: a field is wrong.
        NotNow: the environment has a connection with this slug.
    """
    environment = environment_for(session, principal, environment_id, "connection.manage")
    checked = checked_config(kind, config, settings)
    _check_slug(session, environment.id, slug)
    row = Connection(
        id=ids.new_id("con"),
        workspace_id=principal.workspace_id,
        environment_id=environment.id,
        slug=slug,
        name=_checked_name(name),
        kind=kind,
        config=checked,
        state="active",
        health="unknown",
        version=1,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    audit.note(
        session,
        principal,
        "connection.created",
        "connection",
        row.id,
        {"slug": slug, "kind": kind, "hosts": _hosts(row)},
    )
    return row.id


def edit_connection(
    session: Session,
    principal: Principal,
    connection_id: str,
    *,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    version: int | None = None,
    settings: Settings | None = None,
) -> int:
    """Change name or configuration. Returns the new version; open links to the old one are let go.

    When the hosts change, the connection's secrets stay locked until their values are entered again.

    Args:
        version: the version the change was made to; a newer one in the database refuses it.
    """
    row = connection_for(session, principal, connection_id, "connection.manage")
    if row.state == "disconnected":
        raise NotNow("This connection is disconnected. Reconnect it first.")
    if version is not None and version != row.version:
        raise NotNow("Somebody else changed this connection meanwhile. Look at it again.", code="stale_connection")
    hosts = _hosts(row)
    new_name = row.name if name is None else _checked_name(name)
    new_config = row.config if config is None else checked_config(row.kind, config, settings)
    values = {"name": new_name, "config": new_config, "version": row.version + 1}
    if new_config != row.config:
        values |= {"health": "unknown", "last_error": None, "last_error_code": None, "broken_at": None}
    _change(session, row, Connection.version == row.version, values)
    detail = {"version": row.version, "hosts_before": hosts, "hosts": _hosts(row)}
    audit.note(session, principal, "connection.edited", "connection", row.id, detail)
    return row.version


def disable_connection(session: Session, principal: Principal, connection_id: str, *, reason: str = "") -> None:
    """Switch a connection off: from now on no call goes through it."""
    _move(session, principal, connection_id, "disabled", "connection.disabled", reason)


def enable_connection(session: Session, principal: Principal, connection_id: str, *, reason: str = "") -> None:
    """Switch a connection on again."""
    _move(session, principal, connection_id, "active", "connection.enabled", reason)


def disconnect(session: Session, principal: Principal, connection_id: str, *, reason: str = "") -> None:
    """Switch a connection off and take what it signs in with: no call starts through it from this commit on.

    Its secrets are deleted, its OAuth login is given back, at the provider too; its slug is free for another, and its
    history stays. `reconnect` takes it back in place.
    """
    row = _move(session, principal, connection_id, "disconnected", "connection.disconnected", reason)
    session.execute(delete(Secret).where(Secret.connection_id == row.id))
    give_back(session, principal.actor, row.id)
    row.slug = gone_slug(row.slug, row.id)
    session.flush()


def reconnect(session: Session, principal: Principal, connection_id: str, *, slug: str) -> None:
    """Take a disconnected connection back under `slug`, with its tools as they were accepted.

    It signs in again only after its secrets were entered, or its login authorised, once more.

    Raises:
        Malformed: it is no slug.
        NotNow: it is not disconnected, or the slug has gone to another connection.
    """
    row = connection_for(session, principal, connection_id, "connection.manage")
    if row.state != "disconnected":
        raise NotNow(f"“{row.name}” is {row.state}; there is nothing to reconnect.")
    _check_slug(session, row.environment_id, slug)
    values = {"slug": slug, "health": "unknown", "last_error": None, "last_error_code": None, "broken_at": None}
    _change(session, row, Connection.state == "disconnected", {**values, "state": "active", "version": row.version + 1})
    audit.note(session, principal, "connection.reconnected", "connection", row.id, {"slug": slug})


def _move(
    session: Session, principal: Principal, connection_id: str, state: ConnectionState, event: str, reason: str
) -> Connection:
    row = connection_for(session, principal, connection_id, "connection.manage")
    if not any(row.state == before and state in after for before, after in MOVES.items()):
        raise NotNow(f"“{row.name}” is {row.state}; it cannot become {state}.")
    values = {"state": state, "version": row.version + 1}
    _change(session, row, Connection.state == row.state, values)
    audit.note(session, principal, event, "connection", row.id, {"reason": storable(reason)[:500]})
    return row


def _change(session: Session, row: Connection, condition: Any, values: dict[str, Any]) -> None:
    result = session.execute(update(Connection).where(Connection.id == row.id, condition).values(**values))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotNow("Somebody else changed this connection meanwhile. Look at it again.", code="stale_connection")
    session.refresh(row)


def _check_slug(session: Session, environment_id: str, slug: str) -> None:
    if not is_slug(slug):
        sentence = "A slug is a small letter, then small letters, digits and hyphens; at most 63."
        raise Malformed(sentence, errors={"slug": [sentence]})
    taken = select(Connection.id).where(Connection.environment_id == environment_id, Connection.slug == slug)
    if session.scalar(taken) is not None:
        name = session.get_one(Environment, environment_id).name
        raise NotNow(
            f"{name} already has a connection “{slug}”. Choose another slug, or edit that one.",
            errors={"slug": ["taken in this environment"]},
            code="slug_taken",
        )


def _hosts(row: Connection) -> list[str]:
    return list(hosts_of(row.kind, row.config))


def _checked_name(name: str) -> str:
    found = storable(name).strip()
    if not 0 < len(found) <= _NAME_CHARS_MAX:
        sentence = f"Give a name of at most {_NAME_CHARS_MAX} characters."
        raise Malformed(sentence, errors={"name": [sentence]})
    return found
