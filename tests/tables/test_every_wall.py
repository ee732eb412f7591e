"""With the application's filter gone, in every table: nothing foreign is read, changed, deleted or put there.

The tables and their columns are read from the metadata, so a table made tomorrow is tried too.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import JSON, Column, Table, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.all_tables import METADATA
from signoff.tables.base import Moment, Usd
from signoff.tables.session import Store
from signoff.tables.walls import bound_to, column_of

pytestmark = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)

ACME, OTHER, STRANGE = "ws_acme", "ws_other", "strange"
Row = dict[str, Any]


def owner_column(table: Table) -> str | None:
    return column_of(table.name, set(table.columns.keys()))


def value_of(column: Column[Any], mark: str) -> Any:
    """Something that fits, and is another one for each workspace and each mark."""
    # What the database driver is given; types of our own tell no Python type.
    own: dict[type, type] = {Moment: datetime, Usd: Decimal, JSON: dict}
    kind = next((own[one] for one in own if isinstance(column.type, one)), None) or column.type.python_type
    length = getattr(column.type, "length", None) or 40
    values: dict[Any, Any] = {
        str: f"{mark}-{column.name}"[:length],
        int: (ACME, OTHER, STRANGE).index(mark) + 1,
        bool: False,
        Decimal: Decimal(1),
        datetime: clock.now(),
        bytes: mark.encode(),
        dict: {},
        float: 1.0,
    }
    return values[kind]


def row_of(table: Table, workspace: str, rows: dict[tuple[str, str], Row], mark: str) -> Row:
    """A row of this workspace; what it points to are the workspace's own rows."""
    row: Row = {}
    for column in table.columns:
        pointed = next(iter(column.foreign_keys), None)
        if column.name == owner_column(table):
            row[column.name] = workspace
        elif pointed is not None:
            other = rows.get((pointed.column.table.name, workspace))
            row[column.name] = other[pointed.column.name] if other is not None else None
        elif column.nullable:
            row[column.name] = None
        else:
            row[column.name] = value_of(column, mark)
    return row


@pytest.fixture
def rows(store: Store) -> dict[tuple[str, str], Row]:
    """One row of each workspace in every table."""
    made: dict[tuple[str, str], Row] = {}
    with store.write() as session:
        for table in METADATA.sorted_tables:
            for workspace in (ACME, OTHER):
                row = row_of(table, workspace, made, workspace)
                session.execute(insert(table).values(**row))
                made[table.name, workspace] = row
    return made


def walled_tables() -> list[Table]:
    return [table for table in METADATA.sorted_tables if owner_column(table) is not None]


def tried(session: Session, statement: Any) -> int:
    """How many rows a statement changed; none where the database refuses it."""
    try:
        with session.begin_nested():
            result: Any = session.execute(statement)
            return int(result.rowcount)
    except DBAPIError:
        return 0


def test_nothing_foreign_is_read_changed_or_deleted(store: Store, rows: dict[tuple[str, str], Row]) -> None:
    tables = walled_tables()
    with bound_to(ACME), store.for_requests().write() as session:
        for table in tables:
            assert session.scalar(select(func.count()).select_from(table)) == 1, table.name
            owner = table.columns[owner_column(table) or ""]
            assert session.scalars(select(owner)).all() == [ACME], table.name
            foreign = owner == OTHER
            assert tried(session, update(table).where(foreign).values({owner.name: ACME})) == 0, table.name
            assert tried(session, delete(table).where(foreign)) == 0, table.name
    with store.read() as session:
        for table in tables:
            owner = table.columns[owner_column(table) or ""]
            assert set(session.scalars(select(owner))) == {ACME, OTHER}, table.name
    assert len(tables) > 60


def test_nothing_is_put_into_another_workspace(store: Store, rows: dict[tuple[str, str], Row]) -> None:
    for table in walled_tables():
        strange = row_of(table, OTHER, rows, STRANGE)
        with (
            pytest.raises(ProgrammingError, match="row-level security"),
            bound_to(ACME),
            store.for_requests().write() as session,
        ):
            session.execute(insert(table).values(**strange))


def test_nothing_of_ones_own_is_given_to_another_workspace(store: Store, rows: dict[tuple[str, str], Row]) -> None:
    for table in walled_tables():
        owner = owner_column(table) or ""
        with bound_to(ACME), store.for_requests().write() as session:
            assert tried(session, update(table).values({owner: OTHER})) == 0, table.name
