"""Rows that never change: the database itself refuses, whatever program asks.

The migration applies `immutable_ddl`. A table made straight from the metadata gets it too, so that tests run under
the same law. A later migration that rebuilds one of these tables (SQLite's batch mode) must apply it again.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, event, text

from signoff.tables.agents import Revision
from signoff.tables.base import Base
from signoff.tables.deployments import Deployment
from signoff.tables.record import AuditRow

IMMUTABLE: tuple[str, ...] = (Revision.__tablename__, AuditRow.__tablename__, Deployment.__tablename__)


def immutable_ddl(dialect: str) -> list[str]:
    """Return what makes revisions, audit rows and deployments unchangeable, for `sqlite` or `postgresql`."""
    return [statement for table in IMMUTABLE for statement in _ddl(dialect, table)]


def _ddl(dialect: str, table: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_never_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'a row of {table} never changes'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    if dialect != "postgresql":
        raise ValueError(f"no immutability for {dialect}")
    refuse = f"{table}_never_changes"
    say = f"RAISE EXCEPTION 'a row of {table} never changes' USING ERRCODE = 'integrity_constraint_violation'"
    do = f"EXECUTE FUNCTION {refuse}()"
    return [
        f"CREATE OR REPLACE FUNCTION {refuse}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {say}; END $$",
        f"CREATE TRIGGER {refuse} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {do}",
        f"CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {do}",
    ]


def _make_immutable(table: Table[Any], connection: Connection, **more: Any) -> None:
    for statement in _ddl(connection.dialect.name, table.name):
        connection.execute(text(statement))


for _name in IMMUTABLE:
    event.listen(Base.metadata.tables[_name], "after_create", _make_immutable)
