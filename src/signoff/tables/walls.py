"""The second wall: on Postgres a row is seen only by a transaction that is bound to the row's workspace.

Row-level security beside the filters of the queries, so that a forgotten filter shows nothing instead of a neighbour's
rows. Each table with a `workspace_id` carries one policy that compares it with the setting `signoff.workspace` of the
transaction: an id, or `*` for the engine and the operator's commands. Not set is nothing. It is forced, so that the
owner of the tables is bound as well; a superuser never is (`signoff doctor` says so). SQLite has nothing like it.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, MetaData, event, inspect, text

from signoff.tables.base import Base

SETTING = "signoff.workspace"
EVERYTHING = "*"
# Tables that have a `workspace_id`, or are a tenant's in another way, and stand outside the wall: each with its reason.
OUTSIDE: dict[str, str] = {
    "people": "A person is nobody's: they may belong to several workspaces, and are found by address when invited.",
    "signing_keys": "The installation's own: it signs the exports of every workspace, and holds nothing of any.",
    "second_factors": "A person's own, wherever they sign in; asked for before it is known which workspace they enter.",
    "recovery_codes": "A person's own, as their second factor is.",
    "throttles": "The installation's own: hashes and counts, before it is known who knocks.",
    "rate_counts": "The installation's own: hashes and counts, as throttles are.",
    "maintenances": "The installation's own: it stops the writing of every workspace, and is read before one is known.",
    "schema_floor": "The installation's own: which releases may work on its schema, read before a process serves.",
    "sessions": "A browser is a person's. A new password ends all of theirs, in whatever workspace they were opened.",
}
# The workspace itself is walled by its own id.
_COLUMN = {"workspaces": "id"}

_here: ContextVar[str] = ContextVar("signoff_workspace", default="")


def bind(workspace_id: str) -> None:
    """Bind what follows in this task (one request) to a workspace; called where the caller becomes known."""
    _here.set(workspace_id)


@contextmanager
def bound_to(workspace_id: str) -> Generator[None]:
    """Bind the transactions begun inside to a workspace."""
    before = _here.set(workspace_id)
    try:
        yield
    finally:
        _here.reset(before)


@contextmanager
def everywhere() -> Generator[None]:
    """Let the transactions begun inside see every workspace: before it is known which one the caller belongs to."""
    with bound_to(EVERYTHING):
        yield


def here() -> str:
    """Return the workspace this task is bound to; empty for none, `*` for all."""
    return _here.get()


def column_of(table: str, columns: set[str]) -> str | None:
    """Return the column by which `table` is walled; None when it stands outside."""
    if table in OUTSIDE:
        return None
    column = _COLUMN.get(table, "workspace_id")
    return column if column in columns else None


def wall_ddl(table: str, column: str = "workspace_id") -> list[str]:
    """Return what puts a table behind the wall, on Postgres. For a migration that makes a table."""
    rule = f"current_setting('{SETTING}', true) IN ('{EVERYTHING}', {column})"
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        # Also what may be written: without WITH CHECK, Postgres takes the same rule for it.
        f"CREATE POLICY {table}_wall ON {table} USING ({rule})",
    ]


def raise_walls(connection: Connection) -> list[str]:
    """Put every table that belongs behind the wall and is not there yet behind it; return their names.

    Every migration ends with it, so that a new table cannot be forgotten. On SQLite it does nothing.
    """
    if connection.dialect.name != "postgresql":
        return []
    found = inspect(connection)
    walled = set(walled_tables(connection))
    raised: list[str] = []
    for table in sorted(set(found.get_table_names()) - walled):
        column = column_of(table, {str(each["name"]) for each in found.get_columns(table)})
        if column is not None:
            for statement in wall_ddl(table, column):
                connection.execute(text(statement))
            raised.append(table)
    return raised


def walled_tables(connection: Connection) -> list[str]:
    """Return the tables behind the wall: policy there, security on and forced."""
    return list(connection.execute(text(_WALLED)).scalars())


def is_bypassed(connection: Connection) -> bool:
    """Return whether the database role walks through the wall: a superuser, or one with BYPASSRLS."""
    if connection.dialect.name != "postgresql":
        return True
    asked = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
    return bool(connection.execute(text(asked)).scalar())


_WALLED = """
select c.relname from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema()
join pg_policy p on p.polrelid = c.oid and p.polname = c.relname || '_wall'
where c.relrowsecurity and c.relforcerowsecurity
order by c.relname
"""


@event.listens_for(Base.metadata, "after_create")
def _wall_made_tables(metadata: MetaData, connection: Connection, **more: Any) -> None:
    raise_walls(connection)
