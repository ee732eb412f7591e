"""A lease per process: a heartbeat in the engine's database, takeover of the dead, and self-fencing of the sleepy.

The engine marks a running workflow with the process that runs it, and never moves it. So each process keeps a row
fresh, by the database's clock. When a row grows old, one of the living declares its process dead and puts its
workflows back on the queue, in one transaction. A process that finds itself declared dead ends at once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from signoff.durable import place

_ADVISORY_LOCK = 7_215_001
LOST_EXIT_CODE = 75
_INTERNAL_QUEUE = "_dbos_internal_queue"
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """One process of the engine: when it was last heard of, and whether it is `live`, `dead` or `gone` (ended well)."""

    id: str
    place: str
    pid: int
    state: str
    started_seconds_ago: float
    beat_seconds_ago: float


def end_this_process() -> None:
    """End without any clean-up: whatever this process still has in hand belongs to another one now."""
    os._exit(LOST_EXIT_CODE)


class _Tables:
    """Our table of processes beside the engine's table of workflows, of which only what takeover changes is named."""

    def __init__(self, schema: str | None) -> None:
        metadata = sa.MetaData(schema=schema)
        self.workers = sa.Table(
            "signoff_workers",
            metadata,
            sa.Column("id", sa.String(100), primary_key=True),
            sa.Column("place", sa.String(300), nullable=False),
            sa.Column("pid", sa.Integer, nullable=False),
            sa.Column("born", sa.String(40), nullable=False),
            sa.Column("started_at", sa.Double, nullable=False),
            sa.Column("beat_at", sa.Double, nullable=False),
            sa.Column("state", sa.String(10), nullable=False),
        )
        self.workflows = sa.Table(
            "workflow_status",
            metadata,
            sa.Column("status", sa.String),
            sa.Column("executor_id", sa.String),
            sa.Column("owner_xid", sa.String),
            sa.Column("queue_name", sa.String),
            sa.Column("started_at_epoch_ms", sa.BigInteger),
            sa.Column("updated_at", sa.BigInteger),
        )


class Lease:
    """The heartbeat of this process. `ttl_seconds` without one and the others take over its work."""

    def __init__(
        self,
        engine: sa.Engine,
        *,
        worker: str,
        ttl_seconds: float,
        beat_seconds: float,
        on_lost: Callable[[], None] = end_this_process,
    ) -> None:
        self.worker = worker
        self._engine = engine
        self._ttl = ttl_seconds
        self._every = min(beat_seconds, ttl_seconds / 4)
        self._on_lost = on_lost
        self._is_postgres = engine.dialect.name == "postgresql"
        self._tables = _Tables("dbos" if self._is_postgres else None)
        # The database's clock, for everyone: the clocks of processes differ.
        self._now: sa.ColumnElement[float] = sa.literal_column(
            "extract(epoch from clock_timestamp())"
            if self._is_postgres
            else "(julianday('now') - 2440587.5) * 86400.0",
            sa.Double,
        )
        self._last = place.awake_seconds()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take the lease, take over from the dead once, and keep beating in a thread."""
        workers = self._tables.workers
        with self._engine.begin() as connection:
            if self._is_postgres:
                # "if not exists" is not safe there against another process doing the same at the same time.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            # Not looked for first: between the look and the making, another process may have made it.
            connection.execute(CreateTable(workers, if_not_exists=True))
        asked = place.awake_seconds()
        with self._engine.begin() as connection:
            connection.execute(
                workers.insert().values(
                    id=self.worker,
                    place=place.place(),
                    pid=os.getpid(),
                    born=place.birth(os.getpid()),
                    started_at=self._now,
                    beat_at=self._now,
                    state="live",
                )
            )
        self._last = asked
        self.take_over()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True, name="lease")
        self._thread.start()

    def is_fresh(self) -> bool:
        """Return whether nobody can have declared this process dead yet, with time left to act."""
        return place.awake_seconds() - self._last < self._ttl * 0.8

    def beat(self) -> bool:
        """Renew the lease. Returns whether that worked; ends the process when the lease is lost."""
        workers = self._tables.workers
        asked = place.awake_seconds()
        mine = workers.update().where(workers.c.id == self.worker, workers.c.state == "live")
        try:
            with self._engine.begin() as connection:
                renewed = connection.execute(mine.values(beat_at=self._now)).rowcount
        except DBAPIError:
            return False
        if renewed == 0:
            if not self._stopped.is_set():
                self._on_lost()
            return False
        self._last = asked
        return True

    def take_over(self) -> list[str]:
        """Declare dead who has not been heard of, and offer their workflows again. Returns the dead."""
        workers = self._tables.workers
        others = sa.select(
            workers.c.id, workers.c.place, workers.c.pid, workers.c.born, (self._now - workers.c.beat_at).label("age")
        ).where(workers.c.state == "live", workers.c.id != self.worker)
        with self._engine.begin() as connection:
            if self._is_postgres and not connection.scalar(
                sa.select(sa.func.pg_try_advisory_xact_lock(_ADVISORY_LOCK))
            ):
                return []
            rows = connection.execute(others).all()
            dead = [row.id for row in rows if row.age > self._ttl or place.is_gone(row.place, row.pid, row.born)]
            for worker in dead:
                self._leave(connection, worker, "dead")
        return dead

    def release(self) -> None:
        """Give the lease back, and offer again what is still unfinished, so that others need not wait for the end."""
        self._stopped.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5)
        workers = self._tables.workers
        with self._engine.begin() as connection:
            self._leave(connection, self.worker, "gone")
            connection.execute(
                workers.delete().where(workers.c.state != "live", workers.c.beat_at < self._now - _DAY_SECONDS)
            )

    def workers(self) -> list[WorkerFacts]:
        """Return every process of the last day, the living first."""
        workers = self._tables.workers
        wanted = (
            sa.select(
                workers.c.id,
                workers.c.place,
                workers.c.pid,
                workers.c.state,
                (self._now - workers.c.started_at).label("started"),
                (self._now - workers.c.beat_at).label("beat"),
            )
            .order_by(sa.case((workers.c.state == "live", 0), else_=1), workers.c.started_at.desc())
            .limit(200)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        return [WorkerFacts(row.id, row.place, row.pid, row.state, float(row.started), float(row.beat)) for row in rows]

    def _keep_beating(self) -> None:
        while not self._stopped.wait(self._every):
            if self.beat() and not self._stopped.is_set():
                try:
                    self.take_over()
                except DBAPIError:
                    continue

    def _leave(self, connection: sa.Connection, worker: str, state: str) -> None:
        workers, workflows = self._tables.workers, self._tables.workflows
        connection.execute(workers.update().where(workers.c.id == worker).values(state=state))
        # The change the engine itself makes to recover a workflow, for all of one process at once.
        connection.execute(
            workflows.update()
            .where(workflows.c.status == "PENDING", workflows.c.executor_id == worker)
            .values(
                status="ENQUEUED",
                owner_xid=None,
                started_at_epoch_ms=None,
                updated_at=sa.cast(self._now * 1000, sa.BigInteger),
                queue_name=sa.func.coalesce(workflows.c.queue_name, _INTERNAL_QUEUE),
            )
        )
