"""Bring a database to this release's schema. Where it stands is asked in `schema`."""

from __future__ import annotations

import tempfile

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, delete, insert, text
from sqlalchemy.engine import URL

from signoff.tables.installation import SchemaFloor
from signoff.tables.migrations import FLOOR
from signoff.tables.schema import FOLDER, USABLE, SchemaError, heads_of, newer_sentence, state_of
from signoff.tables.session import open_engine
from signoff.tables.walls import raise_walls

# Any constant; two processes that migrate the same Postgres at once take turns.
_LOCK = 7_210_331


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def pending(engine: Engine) -> list[str]:
    """Return the steps that lead from the database's schema to this release's, in order: number and words."""
    with engine.connect() as connection:
        if state_of(connection) not in ("empty", "behind"):
            return []
        return _steps(heads_of(connection))


def all_steps() -> list[str]:
    """Return the steps that a database with nothing in it needs."""
    return _steps(())


def _steps(before: tuple[str, ...]) -> list[str]:
    scripts = ScriptDirectory.from_config(_config()).iterate_revisions("head", before[0] if before else "base")
    return [f"{script.revision} {script.doc.rstrip('.')}" for script in reversed(list(scripts))]


def current_name(engine: Engine) -> str | None:
    """Return the name of the schema the database has, or None."""
    with engine.connect() as connection:
        heads = heads_of(connection)
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
    state = state_of(connection)
    if state == "newer":
        raise SchemaError(newer_sentence())
    if state in USABLE:
        return []
    before = heads_of(connection)
    command.upgrade(_config(connection), "head")
    raise_walls(connection)  # A table that a step made without its wall gets it here.
    _set_floor(connection)
    return _steps(before)


def _set_floor(connection: Connection) -> None:
    connection.execute(delete(SchemaFloor))
    connection.execute(insert(SchemaFloor).values(name="schema", oldest=FLOOR))


def stamp(engine: Engine) -> None:
    """Note that the schema is this release's; for a database whose tables were made straight from the metadata."""
    with engine.begin() as connection:
        command.stamp(_config(connection), "head")
        _set_floor(connection)


def draft(message: str) -> None:
    """Write the next migration from the difference between the newest one and the tables, for a person to read."""
    number = len(list((FOLDER / "versions").glob("[0-9]*.py"))) + 1
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
