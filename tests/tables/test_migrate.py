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

from signoff.app.checks import NotReadyToStart, check_schema
from signoff.tables import migrate as migrations
from signoff.tables.all_tables import METADATA
from signoff.tables.migrate import all_steps, migrate, pending
from signoff.tables.schema import SchemaError, head, schema_state
from signoff.tables.session import Store, open_engine


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


def _made_by_a_later_release(url: str, *, floor: str | None) -> None:
    """Say that step 9999 was done, by a release that names the oldest that may work on it, or knows no such thing."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
        if floor is None:
            connection.execute(text("drop table schema_floor"))
        else:
            connection.execute(text("update schema_floor set oldest = :floor"), {"floor": floor})
    engine.dispose()


@pytest.mark.parametrize("floor", ["9998", None])
def test_a_database_from_a_later_release_is_left_alone(database_url: str, floor: str | None) -> None:
    _made_by_a_later_release(database_url, floor=floor)
    engine = open_engine(database_url)
    assert schema_state(engine) == "newer"
    assert pending(engine) == []
    with pytest.raises(SchemaError, match="newer release"):
        migrate(database_url)
    engine.dispose()
    opened = Store.open(database_url)
    with pytest.raises(NotReadyToStart, match="newer release"):
        check_schema(opened)
    opened.close()


def test_a_release_works_on_a_later_schema_that_says_it_may(database_url: str) -> None:
    _made_by_a_later_release(database_url, floor=head())
    opened = Store.open(database_url)
    assert schema_state(opened.engine) == "ahead"
    check_schema(opened)
    assert migrate(database_url) == []
    with opened.engine.connect() as connection:
        assert connection.scalar(text("select version_num from alembic_version")) == "9999"
        assert connection.scalar(text("select oldest from schema_floor")) == head()
    opened.close()


def test_what_is_pending_is_named_in_order(empty_url: str, database_url: str) -> None:
    engine = open_engine(empty_url)
    assert pending(engine) == all_steps()
    migrate(empty_url)
    assert pending(engine) == []
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0023'"))
    assert [step[:4] for step in pending(engine)][:2] == ["0024", "0025"]
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
    assert head() == numbers[-1]
