"""Where a database's schema stands beside this release's, asked without Alembic: a server that migrates nothing has no
need of it, and it brings 10 MB of template and highlighting libraries."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, column, inspect, select, table

from signoff.kit.errors import Fault
from signoff.tables.all_tables import METADATA
from signoff.tables.installation import SchemaFloor

# `ahead`: a later release made it, and says that this one may work on it. `newer`: it does not say so.
SchemaState = Literal["empty", "behind", "current", "ahead", "newer"]
USABLE: tuple[SchemaState, ...] = ("current", "ahead")

FOLDER = Path(__file__).parent / "migrations"
# Alembic's own table: one row, the name of the newest step that was taken.
_TAKEN = table("alembic_version", column("version_num"))


class SchemaError(Fault):
    """The database's schema is not one this release can work with."""


@cache
def known() -> tuple[str, ...]:
    """Return the names of all schemas this release knows, oldest first: a step's file begins with its name."""
    return tuple(sorted(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py")))


def head() -> str:
    """Return the name of the newest schema this release knows."""
    names = known()
    if not names:
        raise SchemaError("This installation has no migrations; install Signoff again.")
    return names[-1]


def heads_of(connection: Connection) -> tuple[str, ...]:
    """Return the name of the schema the database has; nothing where none of our steps was taken."""
    if not inspect(connection).has_table(_TAKEN.name):
        return ()
    return tuple(connection.scalars(select(_TAKEN.c.version_num)))


def schema_state(engine: Engine) -> SchemaState:
    """Return how the database's schema relates to this release's.

    Raises:
        SchemaError: the database holds tables that are not ours.
    """
    with engine.connect() as connection:
        return state_of(connection)


def state_of(connection: Connection) -> SchemaState:
    """Return the same of an open connection."""
    heads = heads_of(connection)
    if not heads:
        ours = set(METADATA.tables) & set(inspect(connection).get_table_names())
        if ours:
            raise SchemaError(
                f"This database has a table named {min(ours)} that Signoff did not make. "
                "Give Signoff a database of its own (SIGNOFF_DATABASE_URL)."
            )
        return "empty"
    if heads == (head(),):
        return "current"
    if set(heads) <= set(known()):
        return "behind"
    return "ahead" if _is_within_reach(connection) else "newer"


def _is_within_reach(connection: Connection) -> bool:
    """Return whether the release that made this schema says that ours may work on it."""
    if not inspect(connection).has_table(SchemaFloor.__tablename__):
        return False
    oldest = connection.scalar(select(SchemaFloor.oldest).limit(1))
    return oldest is not None and head() >= oldest


def newer_sentence() -> str:
    """Return what to say when the database was made by a later release."""
    return (
        "This database was migrated by a newer release of Signoff. Install that release (or a later one), "
        "or point SIGNOFF_DATABASE_URL at another database."
    )
