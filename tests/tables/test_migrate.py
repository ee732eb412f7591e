"""The steps to this release's schema lead to exactly the tables the code uses."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from signoff.tables import migrate as migrations
from signoff.tables.all_tables import METADATA
from signoff.tables.migrate import SchemaError, migrate, schema_state
from signoff.tables.session import open_engine


def test_an_empty_database_is_brought_to_the_newest_schema_and_the_second_time_nothing_happens(empty_url: str) -> None:
    engine = open_engine(empty_url)
    assert schema_state(engine) == "empty"
    assert [step[:4] for step in migrate(empty_url)][:2] == ["0001", "0002"]
    assert schema_state(engine) == "current"
    assert migrate(empty_url) == []
    engine.dispose()


def test_the_migrated_schema_is_the_one_the_code_uses(empty_url: str, database_url: str) -> None:
    migrate(empty_url)
    engine, made = open_engine(empty_url), open_engine(database_url)
    with engine.connect() as connection, made.connect() as other:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
        assert _triggers(connection) == _triggers(other) != []
        for table in METADATA.tables:
            ours, theirs = inspect(connection), inspect(other)
            assert _names(ours.get_indexes(table)) == _names(theirs.get_indexes(table))
            assert ours.get_pk_constraint(table) == theirs.get_pk_constraint(table)
    engine.dispose()
    made.dispose()


def _names(rows: Any) -> list[Any]:
    return sorted((row["name"], row["column_names"], bool(row["unique"])) for row in rows)


def _triggers(connection: Connection) -> list[str]:
    where = "sqlite_master where type = 'trigger'"
    if connection.dialect.name == "postgresql":
        where = "(select tgname as name from pg_trigger where not tgisinternal) as found"
    return sorted(connection.execute(text(f"select name from {where}")).scalars())


def test_two_processes_that_migrate_at_once_take_turns(empty_url: str) -> None:
    steps: list[list[str]] = []
    threads = [threading.Thread(target=lambda: steps.append(migrate(empty_url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(found) > 0 for found in steps) == [False, False, True]


def test_a_database_from_a_later_release_is_left_alone(database_url: str) -> None:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    assert schema_state(engine) == "newer"
    with pytest.raises(SchemaError, match="newer release"):
        migrate(database_url)
    engine.dispose()


def test_a_database_that_is_behind_says_so(database_url: str) -> None:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0001'"))
    assert schema_state(engine) == "behind"
    engine.dispose()


def test_someone_elses_tables_are_left_alone(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("create table runs (id integer)"))
    with pytest.raises(SchemaError, match="runs"):
        schema_state(engine)
    with pytest.raises(SchemaError, match="database of its own"):
        migrate(empty_url)
    engine.dispose()


def test_a_failing_step_leaves_nothing_half_done(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = command.upgrade

    def upgrade_and_fail(*args: Any) -> None:
        real(*args)
        raise RuntimeError("the power went")

    monkeypatch.setattr(command, "upgrade", upgrade_and_fail)
    with pytest.raises(RuntimeError):
        migrate(empty_url)
    engine = open_engine(empty_url)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


def test_the_steps_are_numbered_without_a_gap() -> None:
    folder = Path(migrations.__file__).parent / "migrations" / "versions"
    numbers = sorted(path.name[:4] for path in folder.glob("[0-9]*.py"))
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]
    assert migrations.head() == numbers[-1]
