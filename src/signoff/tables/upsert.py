"""An insert that says what happens when the row is there already. Our databases word it alike, and SQLAlchemy twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

T = TypeVar("T")
# They take `on_conflict_do_nothing` and `on_conflict_do_update` with the same arguments.
Insert = postgresql.Insert
_INSERTS = cast("dict[str, Callable[[Table], Insert]]", {"sqlite": sqlite.insert, "postgresql": postgresql.insert})


def insert_into(session: Session, row: Any) -> Insert:
    """Return an insert of a `row` (a table, or the class of its rows) in the words of the session's database."""
    return _INSERTS[session.get_bind().dialect.name](_table(row))


def in_each(row: Any, build: Callable[[Insert], T]) -> dict[str, T]:
    """Return a statement that `build` makes of such an insert, by the kind of database: for what is built only once."""
    return {name: build(insert(_table(row))) for name, insert in _INSERTS.items()}


def _table(row: Any) -> Any:
    return getattr(row, "__table__", row)
