"""Statements that run with every step of a run: compiled once, and given to the driver as they are.

The database answers most of them in less time than SQLAlchemy takes to look a statement up, to lay out its parameters
and to build a result. What it does of these once per execution is done here once per process.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection, Delete, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

Params = Mapping[str, Any]
_Convert = Callable[[Any], Any] | None


class Prepared:
    """One statement. `statement` may be one for each kind of database.

    Every parameter is a `bindparam` or a column of an insert, and has one value: a list for `in` cannot be prepared.
    The first execution says which columns an insert has.
    """

    def __init__(self, statement: Executable | Mapping[str, Executable]) -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def run(self, session: Session, params: Params) -> int:
        """Execute; return how many rows were changed."""
        return self._execute(session, params)[1].rowcount

    def run_many(self, session: Session, rows: Sequence[Params]) -> None:
        """Execute once for each of `rows`, of which all have the same keys."""
        connection, cursor = _in_hand(session)
        form = self._form(connection.dialect, rows[0])
        try:
            cursor.executemany(form.sql, [form.bound(row) for row in rows])
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, form, error) from error

    def first(self, session: Session, params: Params) -> Any:
        """Execute; return the first row, a named tuple, or None."""
        form, cursor = self._execute(session, params)
        # All are fetched: a statement that is left half read keeps SQLite's snapshot open.
        rows = cursor.fetchall()
        return form.row(rows[0]) if rows else None

    def one(self, session: Session, params: Params) -> Any:
        """Execute; return the row there must be."""
        row = self.first(session, params)
        if row is None:
            raise LookupError("the statement gave no row")
        return row

    def all(self, session: Session, params: Params) -> list[Any]:
        """Execute; return every row."""
        form, cursor = self._execute(session, params)
        return [form.row(row) for row in cursor.fetchall()]

    def scalar(self, session: Session, params: Params) -> Any:
        """Execute; return the first column of the first row, or None."""
        row = self.first(session, params)
        return None if row is None else row[0]

    def _execute(self, session: Session, params: Params) -> tuple[_Form, Any]:
        connection, cursor = _in_hand(session)
        form = self._form(connection.dialect, params)
        try:
            cursor.execute(form.sql, form.bound(params))
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, form, error) from error
        return form, cursor

    def _form(self, dialect: Dialect, params: Params) -> _Form:
        form = self._forms.get(dialect.name)
        if form is None:
            chosen = self._statement
            statement = chosen[dialect.name] if isinstance(chosen, Mapping) else chosen
            form = self._forms[dialect.name] = _compiled(statement, dialect, params)
        return form


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement in the words of one kind of database.

    Args:
        binds: name, value when none is given, whether one must be, and what makes it the driver's.
        out: what makes each column ours.
    """

    sql: str
    binds: tuple[tuple[str, Any, bool, _Convert], ...]
    is_positional: bool
    out: tuple[_Convert, ...]
    named: Callable[..., Any]

    def bound(self, params: Params) -> Any:
        values: list[Any] = []
        for name, standard, is_required, convert in self.binds:
            value = params[name] if is_required or name in params else standard
            values.append(value if convert is None else convert(value))
        if self.is_positional:
            return tuple(values)
        return {bind[0]: value for bind, value in zip(self.binds, values, strict=True)}

    def row(self, row: Sequence[Any]) -> Any:
        return self.named(
            *(value if convert is None else convert(value) for value, convert in zip(row, self.out, strict=True))
        )


def connection_of(session: Session) -> Connection:
    """Return the connection of the session's transaction, which `Store` has looked up already."""
    return session.info.get(CONNECTION) or session.connection()


CONNECTION = "signoff.connection"
# The driver's cursor of the transaction under way: each statement's rows are read before the next one is run.
_CURSOR = "signoff.cursor"


def _in_hand(session: Session) -> tuple[Connection, Any]:
    """Return the connection of the transaction, and its one cursor."""
    connection = connection_of(session)
    kept = session.info.get(_CURSOR)
    if kept is None or kept[0] is not connection:
        kept = session.info[_CURSOR] = (connection, connection.connection.cursor())
    return kept


def _compiled(statement: Any, dialect: Dialect, params: Params) -> _Form:
    compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=sorted(params))
    sql = str(compiled)
    if compiled.insert_prefetch or compiled.update_prefetch or "[POSTCOMPILE" in sql or compiled.escaped_bind_names:
        raise TypeError(f"This statement cannot be prepared, it needs values from SQLAlchemy: {sql}")
    names = compiled.positiontup if compiled.positional else list(compiled.binds)
    binds = tuple(_bind(compiled, name, dialect) for name in names or ())
    columns = list(statement.exported_columns) if not isinstance(statement, Delete) else []
    out = tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    keys = [getattr(column, "key", None) or "" for column in columns]
    named = namedtuple("Row", keys, rename=True)  # pyright: ignore[reportUntypedNamedTuple]
    return _Form(sql, binds, compiled.positional, out, named)


def _bind(compiled: SQLCompiler, name: str, dialect: Dialect) -> tuple[str, Any, bool, _Convert]:
    bind = compiled.binds[name]
    return name, bind.value, bind.required, bind.type.dialect_impl(dialect).bind_processor(dialect)


def _told(connection: Connection, form: _Form, error: Exception) -> BaseException:
    """Return what SQLAlchemy would have raised, so that an outage looks the same whoever met it."""
    dialect, driver = connection.dialect, connection.connection.dbapi_connection
    is_gone = dialect.is_disconnect(cast("Any", error), cast("Any", driver), None)
    told = DBAPIError.instance(
        form.sql, None, error, dialect.loaded_dbapi.Error, connection_invalidated=is_gone, dialect=dialect
    )
    if is_gone:
        connection.invalidate(error)
    return told
