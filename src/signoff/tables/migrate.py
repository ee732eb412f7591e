"""Bring a database to this release's schema, and say where it stands."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, delete, insert, inspect, select, text
from sqlalchemy.engine import URL

from signoff.kit.errors import Fault
from signoff.tables.all_tables import METADATA
from signoff.tables.installation import SchemaFloor
from signoff.tables.migrations import FLOOR
from signoff.tables.session import open_engine
from signoff.tables.walls import raise_walls

# `ahead`: a later release made it, and says that this one may work on it. `newer`: it does not say so.
SchemaState = Literal["empty", "behind", "current", "ahead", "newer"]
USABLE: tuple[SchemaState, ...] = ("current", "ahead")

_FOLDER = Path(__file__).parent / "migrations"
# Any constant; two processes that migrate the same Postgres at once take turns.
_LOCK = 7_210_331


class SchemaError(Fault):
    """The database's schema is not one this release can work with."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Return the name of the newest schema this release knows."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise SchemaError("This installation has no migrations; install Signoff again.")
    return found


def schema_state(engine: Engine) -> SchemaState:
    """Return how the database's schema relates to this release's.

    Raises:
        SchemaError: the database holds tables that are not ours.
    """
    with engine.connect() as connection:
        return _state(connection)


def _state(connection: Connection) -> SchemaState:
    heads = MigrationContext.configure(connection).get_current_heads()
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
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if set(heads) <= known:
        return "behind"
    return "ahead" if _is_within_reach(connection) else "newer"


def _is_within_reach(connection: Connection) -> bool:
    """Return whether the release that made this schema says that ours may work on it."""
    if not inspect(connection).has_table(SchemaFloor.__tablename__):
        return False
    oldest = connection.scalar(select(SchemaFloor.oldest).limit(1))
    return oldest is not None and head() >= oldest


def pending(engine: Engine) -> list[str]:
    """Return the steps that lead from the database's schema to this release's, in order: number and words."""
    with engine.connect() as connection:
        if _state(connection) not in ("empty", "behind"):
            return []
        return _steps(MigrationContext.configure(connection).get_current_heads())


def all_steps() -> list[str]:
    """Return the steps that a database with nothing in it needs."""
    return _steps(())


def _steps(before: tuple[str, ...]) -> list[str]:
    scripts = ScriptDirectory.from_config(_config()).iterate_revisions("head", before[0] if before else "base")
    return [f"{script.revision} {script.doc.rstrip('.')}" for script in reversed(list(scripts))]


def current_name(engine: Engine) -> str | None:
    """Return the name of the schema the database has, or None."""
    with engine.connect() as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    return heads[0] if heads else None


def migrate(url: str | URL) -> list[str]:
    """Bring the database at `url` to this release's schema; return the steps taken, none when it was there already.

    All steps happen in one transaction, or none does. A second process waits for the first.

    Raises:
        SchemaError: the database is newer than this release, or holds tables that are not ours.
    """
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            connection.execution_options(signoff_begin="IMMEDIATE")  # SQLite: one writer, from the first look on.
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                return _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> list[str]:
    state = _state(connection)
    if state == "newer":
        raise SchemaError(newer_sentence())
    if state in USABLE:
        return []
    before = MigrationContext.configure(connection).get_current_heads()
    command.upgrade(_config(connection), "head")
    raise_walls(connection)  # A table that a step made without its wall gets it here.
    _set_floor(connection)
    return _steps(before)


def _set_floor(connection: Connection) -> None:
    connection.execute(delete(SchemaFloor))
    connection.execute(insert(SchemaFloor).values(name="schema", oldest=FLOOR))


def newer_sentence() -> str:
    """Return what to say when the database was made by a later release."""
    return (
        "This database was migrated by a newer release of Signoff. Install that release (or a later one), "
        "or point SIGNOFF_DATABASE_URL at another database."
    )


def stamp(engine: Engine) -> None:
    """Note that the schema is this release's; for a database whose tables were made straight from the metadata."""
    with engine.begin() as connection:
        command.stamp(_config(connection), "head")
        _set_floor(connection)


def draft(message: str) -> None:
    """Write the next migration from the difference between the newest one and the tables, for a person to read."""
    number = len(list((_FOLDER / "versions").glob("[0-9]*.py"))) + 1
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/draft.sqlite")
        with engine.connect() as connection:
            if number > 1:
                command.upgrade(_config(connection), "head")
                connection.commit()
            config = _config(connection)
            config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()
