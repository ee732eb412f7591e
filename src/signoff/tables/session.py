"""The store: one engine, short sessions, the same manners on SQLite and Postgres."""

from __future__ import annotations

import contextvars
import math
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, bindparam, create_engine, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from signoff.kit import chance
from signoff.kit.errors import Refusal
from signoff.kit.private import private_file, private_folder
from signoff.tables import walls
from signoff.tables.prepared import CONNECTION
from signoff.tables.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")

_BUSY_TIMEOUT_MS = 10_000
_CALLBACKS = "signoff.after_commit"
# A run asks some 150 different statements. The driver has Postgres prepare what it was asked five times, and keeps a
# hundred of them: the others would be planned anew with every run.
_PREPARED_MAX = 500
_WALLED = "signoff_walled"
_NARROWED = "signoff_narrowed"
_KEPT = "signoff_kept"
_BIND = select(func.set_config(walls.SETTING, bindparam("workspace"), True))
# How long `run` keeps trying while the database is away: long enough for a restart or a failover.
# How long a transaction is tried again while the database is away: for work that can wait, and for somebody who does.
_OUTAGE_SECONDS, _OUTAGE_ASKED_SECONDS = 120.0, 2.0
_patience: ContextVar[float] = ContextVar("signoff_outage_patience", default=_OUTAGE_SECONDS)


class Store:
    """Hands out sessions. `write()` commits once at its end; `read()` never writes.

    Database code is synchronous; async code goes through `run`, which uses a small pool of threads, so the event
    loop never waits for the disk.

    A store sees every workspace: it is the engine's and the operator's. Requests get `for_requests()`.
    """

    def __init__(self, engine: Engine, *, threads: int = 8) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.is_walled = engine.dialect.name == "postgresql" and engine.get_execution_options().get(_WALLED) is True
        self._sessions = sessionmaker(engine, expire_on_commit=False, info={_WALLED: self.is_walled})
        self._threads = Threads(threads)
        # SQLite has one writer. Queueing here is fair and cheap; queueing in SQLite is a sleep-and-retry lottery.
        self._writer = threading.RLock() if self.is_sqlite else None
        self._is_beside = False
        self._opened: list[Store] = []

    @classmethod
    def open(cls, url: str | URL, *, threads: int = 8) -> Store:
        """Open the database at `url` (`sqlite:///path` or `postgresql+psycopg://…`)."""
        return cls(open_engine(url, pool_size=threads + 4), threads=threads)

    def for_requests(self, *, threads: int = 8) -> Store:
        """Return the store for requests: on Postgres it sees only the workspace its task is bound to (see `walls`).

        It has connections of its own, and closes with this one. On SQLite, which has no such wall, only the threads are
        its own.
        """
        if self.is_sqlite:
            return self.beside(threads=threads)
        opened = Store(open_engine(self.engine.url, pool_size=threads + 4, is_walled=True), threads=threads)
        self._opened.append(opened)
        return opened

    def beside(self, *, threads: int = 8) -> Store:
        """Return a store on the same connections with threads of its own, in which nobody waits for the others: many
        requests do not keep the runs waiting, and many runs no request. It closes with this one."""
        opened = Store(self.engine, threads=threads)
        opened._writer, opened._is_beside = self._writer, True
        self._opened.append(opened)
        return opened

    @property
    def wait_seconds(self) -> float:
        """How long what was asked of this store waits for a thread by now."""
        return self._threads.wait_seconds

    @property
    def asked_seconds(self) -> float:
        """How long everything asked of this store so far has taken, summed; see `Threads.asked_seconds`."""
        return self._threads.asked_seconds

    @contextmanager
    def write(self) -> Generator[Session]:
        """One transaction that may write. Commits at the end; rolls back on any exception."""
        if self._writer is None:
            with self._writing() as session:
                yield session
            return
        with self._writer, self._writing() as session:
            yield session

    @contextmanager
    def _writing(self) -> Generator[Session]:
        with self._sessions() as session:
            options = {"signoff_begin": "IMMEDIATE"} if self.is_sqlite else None
            session.info[CONNECTION] = session.connection(execution_options=options)
            yield session
            del session.info[CONNECTION]
            session.commit()
            callbacks: list[Callable[[], None]] = session.info.pop(_CALLBACKS, [])
        for callback in callbacks:
            callback()

    @contextmanager
    def read(self) -> Generator[Session]:
        """One consistent view of the data; nothing done in it is kept."""
        with self._sessions() as session:
            yield session

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking `work` in the store's threads. Retries while the database cannot be reached."""
        if not self.is_walled:
            patience = _patience.get()
            return await self._threads.run(lambda: _through(patience, work, *args, **kwargs))
        context = contextvars.copy_context()  # The thread must know which workspace the request is bound to.
        return await self._threads.run(lambda: context.run(through_outage, work, *args, **kwargs))

    async def write_async(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(session, …)` in one writing transaction, in a thread."""

        def whole() -> T:
            with self.write() as session:
                return work(session, *args, **kwargs)

        return await self.run(whole)

    async def read_async(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(session, …)` in one reading transaction, in a thread."""

        def whole() -> T:
            with self.read() as session:
                return work(session, *args, **kwargs)

        return await self.run(whole)

    def close(self) -> None:
        """End the threads and the connections."""
        while self._opened:
            self._opened.pop().close()
        self._threads.end()
        if not self._is_beside:
            self.engine.dispose()


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Call `callback` once the transaction of this session is durable; never when it rolls back."""
    session.info.setdefault(_CALLBACKS, []).append(callback)


def keep(session: Session, *rows: object) -> None:
    """Let what was read be found again in this reading session without asking the database.

    A session knows a row by its id only as long as somebody holds it: the rows that every part of a page asks for (the
    workspace, the viewer, the agent) were read three times over. In a writing session nothing is kept: what is decided
    there is decided by what stands at that moment.
    """
    if CONNECTION not in session.info:
        session.info.setdefault(_KEPT, []).extend(rows)


@contextmanager
def lifted(session: Session) -> Generator[None]:
    """Let the statements inside see every workspace, in the middle of a request's transaction.

    For what is a person's and not a workspace's: in which workspaces are they a member? It may stand in another one,
    and a refusal raised inside leaves a transaction that is bound as before.
    """
    narrowed: str | None = session.info.get(_NARROWED)
    before = narrowed or walls.here()
    if not session.info.get(_WALLED) or before == walls.EVERYTHING:
        yield
        return
    session.flush()
    session.info[_NARROWED] = walls.EVERYTHING
    session.execute(_BIND, {"workspace": walls.EVERYTHING})
    is_whole = False  # After an error the transaction can only be rolled back, and the setting goes with it.
    try:
        yield
        session.flush()
        is_whole = True
    except Refusal:
        is_whole = session.is_active  # Whoever catches it may go on in the same transaction.
        raise
    finally:
        session.info[_NARROWED] = narrowed
        if is_whole:
            session.execute(_BIND, {"workspace": before})


def narrow(session: Session, workspace_id: str) -> None:
    """Bind the rest of this transaction to one workspace; once it is known who asks."""
    if session.info.get(_WALLED):
        session.info[_NARROWED] = workspace_id
        session.execute(_BIND, {"workspace": workspace_id})


def be_brief() -> None:
    """Let what this task asks of a database that is away be refused after two seconds: somebody waits for it."""
    _patience.set(_OUTAGE_ASKED_SECONDS)


def through_outage(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `work`, again after a pause while the database is away, for at most two minutes; see `be_brief`.

    `work` must be one whole transaction, so that a second call finds nothing half done.
    """
    return _through(_patience.get(), work, *args, **kwargs)


def _through(patience: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    waited, pause = 0.0, 0.1
    while True:
        try:
            return work(*args, **kwargs)
        except DBAPIError as error:
            if not is_outage(error) or waited >= patience:
                raise
        step = chance.jittered(pause)
        threading.Event().wait(step)
        waited += step
        pause = min(pause * 2, 5.0)


def is_outage(error: DBAPIError) -> bool:
    """Return whether trying the same transaction again may help: no connection, a restart, a lost race."""
    if error.connection_invalidated:
        return True
    text = str(error.orig).lower()
    if isinstance(error.orig, sqlite3.OperationalError):
        return "locked" in text or "busy" in text
    state: str = getattr(error.orig, "sqlstate", None) or ""
    if state[:2] in ("08", "57", "53") or state in ("40001", "40P01"):
        return True
    return isinstance(error, OperationalError) and ("connection" in text or "server closed" in text)


def open_engine(url: str | URL, *, pool_size: int = 12, is_walled: bool = False) -> Engine:
    """Return an engine with our settings for the kind of database `url` names.

    On Postgres its connections see every workspace; with `is_walled` only the one their task is bound to.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            private_folder(Path(parsed.database).parent)
        engine = create_engine(
            parsed, pool_size=pool_size, max_overflow=20, connect_args={"timeout": _BUSY_TIMEOUT_MS / 1000}
        )
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed,
        pool_size=pool_size,
        max_overflow=20,
        # The connection used last knows the most statements by heart.
        pool_use_lifo=True,
        pool_recycle=1800,
        connect_args={"options": _options(parsed, "" if is_walled else walls.EVERYTHING)},
        execution_options={_WALLED: is_walled},
    )
    event.listen(engine, "connect", _prepare_postgres)
    if is_walled:
        event.listen(engine, "begin", _bind_postgres)
    return engine


def _options(url: URL, workspace: str) -> str:
    """Let every connection begin with the setting: what has no need of the wall then pays nothing for it."""
    given = url.query.get("options", "")
    kept = given if isinstance(given, str) else " ".join(given)
    return f"{kept} -c {walls.SETTING}={workspace}".strip()


def _prepare_postgres(connection: Any, record: object) -> None:
    connection.prepared_max = _PREPARED_MAX


def _bind_postgres(connection: Any) -> None:
    # For this transaction only: a pooled connection carries nothing over to the next request.
    connection.exec_driver_sql("select set_config(%s, %s, true)", (walls.SETTING, walls.here()))


def _make_private(dialect: object, record: object, args: list[Any], options: dict[str, Any]) -> None:
    """Make the file before SQLite does, which would let everybody on the machine read it."""
    name = str(args[0]) if args else ""
    if name and name != ":memory:" and not name.startswith("file:"):
        private_file(Path(name))


def _prepare_sqlite(connection: Any, record: object) -> None:
    # Autocommit: SQLAlchemy's own BEGIN is emitted below, so that a writer can say IMMEDIATE.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=wal",
        "synchronous=normal",
        "foreign_keys=on",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
        "temp_store=memory",
    ):
        connection.execute(f"pragma {pragma}")
    # Not every build of SQLite brings its mathematics.
    connection.create_function("ln", 1, _ln, deterministic=True)


def _ln(value: float | None) -> float | None:
    return math.log(value) if value is not None and value > 0 else None


def _begin_sqlite(connection: Any) -> None:
    kind = connection.get_execution_options().get("signoff_begin", "DEFERRED")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if kind == "IMMEDIATE" else "BEGIN DEFERRED")
