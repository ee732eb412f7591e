"""Rows that never change: the database itself refuses, whatever program asks.

The migration applies `immutable_ddl`. A table made straight from the metadata gets it too, so that tests run under
the same law. A later migration that rebuilds one of these tables (SQLite's batch mode) must apply it again.

Audit rows may go when they are old enough, below a checkpoint that says where the chain goes on; never otherwise.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, MetaData, Table, event, text

from signoff.tables.agents import Revision
from signoff.tables.base import Base
from signoff.tables.bundles import RevisionOrigin
from signoff.tables.deployments import Deployment
from signoff.tables.record import AuditCheckpoint, AuditRow

IMMUTABLE: tuple[str, ...] = (
    Revision.__tablename__,
    RevisionOrigin.__tablename__,
    AuditRow.__tablename__,
    Deployment.__tablename__,
)
_CHECKPOINTS = AuditCheckpoint.__tablename__
# Whatever a setting says, no younger audit row leaves the database. Six months are 184 days at most.
AUDIT_DAYS_MIN = 184


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


def audit_retention_ddl(dialect: str) -> list[str]:
    """Return what lets audit rows go that are old enough and lie below a checkpoint, and keeps checkpoints as they are.

    It replaces what `immutable_ddl` made for the audit, once the checkpoints have their table.
    """
    below = "SELECT 1 FROM audit_checkpoints c WHERE c.workspace_id = OLD.workspace_id AND c.seq >= OLD.seq"
    say = "a row of audit never changes; it may go below a checkpoint when it is old enough"
    if dialect == "sqlite":
        old = f"OLD.at < datetime('now', '-{AUDIT_DAYS_MIN} days')"
        return [
            "DROP TRIGGER audit_never_delete",
            f"""CREATE TRIGGER audit_never_delete BEFORE DELETE ON audit WHEN NOT ({old} AND EXISTS ({below}))
            BEGIN SELECT RAISE(ABORT, '{say}'); END""",
            *_ddl(dialect, _CHECKPOINTS),
        ]
    old = f"OLD.at < now() - interval '{AUDIT_DAYS_MIN} days'"
    body = (
        f"BEGIN IF TG_OP = 'DELETE' THEN IF {old} AND EXISTS ({below}) THEN RETURN OLD; END IF; END IF; "
        f"RAISE EXCEPTION '{say}' USING ERRCODE = 'integrity_constraint_violation'; END"
    )
    return [
        f"CREATE OR REPLACE FUNCTION audit_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        *_ddl(dialect, _CHECKPOINTS),
    ]


def _make_immutable(table: Table[Any], connection: Connection, **more: Any) -> None:
    for statement in _ddl(connection.dialect.name, table.name):
        connection.execute(text(statement))


def _allow_retention(metadata: MetaData, connection: Connection, **more: Any) -> None:
    if any(table.name == _CHECKPOINTS for table in more.get("tables") or ()):
        for statement in audit_retention_ddl(connection.dialect.name):
            connection.execute(text(statement))


for _name in IMMUTABLE:
    event.listen(Base.metadata.tables[_name], "after_create", _make_immutable)
event.listen(Base.metadata, "after_create", _allow_retention)
