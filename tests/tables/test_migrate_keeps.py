"""The newest steps keep every row, and what the release before them writes afterwards is still taken."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Column, Connection, MetaData, Table, insert, select

from signoff.tables import migrate as migrations
from signoff.tables.session import open_engine

# The newest ones: an older one that lost a row would have been noticed by its own test.
STEPS = [step[:4] for step in migrations.all_steps() if step[:4] >= "0025"][-3:]
_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def value_of(column: Column[Any], mark: str) -> Any:
    """Something that fits, and differs by `mark` where it must be unique."""
    if column.foreign_keys:
        return value_of(next(iter(column.foreign_keys)).column, mark)
    kind = column.type.python_type
    known: dict[type, Any] = {
        bool: True, int: int(mark), float: 1.5, Decimal: Decimal(1), datetime: _MOMENT, bytes: b"x", dict: {"n": mark},
    }  # fmt: skip
    return known.get(kind, f"{column.table.name[:20]}-{mark}")


def fill(connection: Connection, tables: MetaData, mark: str) -> None:
    """One row in each table, as code that knows these tables writes it."""
    for table in tables.sorted_tables:
        connection.execute(insert(table).values({column.name: value_of(column, mark) for column in table.columns}))


def rows(connection: Connection, tables: MetaData) -> dict[str, list[tuple[Any, ...]]]:
    def read(table: Table) -> list[tuple[Any, ...]]:
        return sorted((tuple(row) for row in connection.execute(select(table))), key=repr)

    return {table.name: read(table) for table in tables.sorted_tables}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_keeps_every_row_and_takes_what_the_release_before_writes(empty_url: str, step: str) -> None:
    engine = open_engine(empty_url)
    before = MetaData()
    with engine.begin() as connection:
        command.upgrade(migrations._config(connection), f"{int(step) - 1:04}")
        before.reflect(connection, only=lambda name, _: name not in ("alembic_version", "schema_floor"))
        fill(connection, before, "1")
        kept = rows(connection, before)
        command.upgrade(migrations._config(connection), step)
        assert rows(connection, before) == kept
        fill(connection, before, "2")
        both = rows(connection, before)
    engine.dispose()
    assert len(both) > 40
    assert {name for name, found in both.items() if len(found) != 2} == set()
