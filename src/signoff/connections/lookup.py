"""Finding a row of this room for someone who may see it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import Malformed, NotFound
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.tables.connections import Connection, Secret, Tool
from signoff.tables.people import Environment


def connection_for(session: Session, principal: Principal, connection_id: str, action: Action) -> Connection:
    """Return the connection, if the caller may do `action` to it.

    Raises:
        NotFound: it is not in the caller's workspace and environment.
        NotAllowed: the caller's role does not reach this far.
    """
    row = session.get(Connection, connection_id)
    if row is None or not _is_theirs(principal, row):
        authorize(principal, action)
        raise NotFound("There is no such connection in this workspace.")
    authorize(principal, action, workspace_id=row.workspace_id, environment_id=row.environment_id)
    return row


def secret_for(session: Session, principal: Principal, secret_id: str, action: Action) -> Secret:
    """Return the secret's row, if the caller may do `action` to it. Raises as `connection_for` does."""
    row = session.get(Secret, secret_id)
    if row is None or not _is_theirs(principal, row):
        authorize(principal, action)
        raise NotFound("There is no such secret in this workspace.")
    authorize(principal, action, workspace_id=row.workspace_id, environment_id=row.environment_id)
    return row


def _is_theirs(principal: Principal, row: Connection | Secret) -> bool:
    """Return whether the row is the caller's to know of; any other is told word for word like one that never was."""
    is_here = row.workspace_id == principal.workspace_id
    return is_here and principal.environment_id in (None, row.environment_id)


def tool_of(session: Session, connection: Connection, name: str) -> Tool:
    """Return one tool of a connection.

    Raises:
        NotFound: the connection has no tool of this name.
    """
    row = session.scalar(select(Tool).where(Tool.connection_id == connection.id, Tool.name == name))
    if row is None:
        raise NotFound("This connection has no tool of that name. Discover its tools again if it should.")
    return row


def environment_for(session: Session, principal: Principal, environment_id: str, action: Action) -> Environment:
    """Return the environment, by its id or its slug, if the caller may do `action` in it.

    Raises:
        Malformed: there is no such environment in the caller's workspace.
    """
    row = session.get(Environment, environment_id)
    if row is None or row.workspace_id != principal.workspace_id:
        row = session.scalar(
            select(Environment).where(
                Environment.workspace_id == principal.workspace_id, Environment.slug == environment_id
            )
        )
    if row is None:
        authorize(principal, action)
        raise Malformed(
            "There is no such environment in this workspace.", errors={"environment": ["not an environment here"]}
        )
    authorize(principal, action, workspace_id=row.workspace_id, environment_id=row.id)
    return row
