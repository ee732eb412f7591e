"""Workflows, on DBOS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, cast

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID

from signoff.durable import presence, sqlite
from signoff.durable.lease import Lease, end_this_process
from signoff.durable.place import new_worker_id
from signoff.durable.serializer import JsonSerializer
from signoff.kit import clock
from signoff.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

# Changed only when recorded sequences of steps can no longer be replayed by newer code; workflows of another version
# are not picked up, so a change strands what is under way. Legs are short, which makes that rare.
APPLICATION_VERSION = "signoff-1"
# A workflow that brings its process down every time must not do so for ever.
_RECOVERIES_MAX = 100

_engines: list[sa.Engine] = []


def workflow(name: str) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """Register a coroutine as a workflow. Its name is stored with every execution, so it never changes."""
    return DBOS.workflow(name=name, max_recovery_attempts=_RECOVERIES_MAX)


async def start(fn: Callable[..., Awaitable[Any]], workflow_id: str, *args: Any) -> bool:
    """Start a workflow here; False when one of this id was started before, which is harmless."""
    with SetWorkflowID(workflow_id):
        handle = cast("object", await DBOS.start_workflow_async(fn, *args))  # pyright: ignore[reportArgumentType]
    # Only the handle of a workflow that runs in this process holds its task.
    return getattr(handle, "task", None) is not None


async def outcomes(workflow_ids: Sequence[str]) -> dict[str, str]:
    """Return the engine's state of each workflow it knows (`PENDING`, `ENQUEUED`, `SUCCESS`, `ERROR`, …)."""
    if not workflow_ids:
        return {}
    found = await DBOS.list_workflows_async(workflow_ids=list(workflow_ids), load_input=False, load_output=False)
    return {status.workflow_id: status.status for status in found}


async def forget_ended(*, older_than_seconds: float, limit: int) -> int:
    """Delete the records of workflows that ended and began that long ago; they are no longer needed to recover.

    Returns how many were deleted.
    """
    before = (clock.now() - timedelta(seconds=older_than_seconds)).isoformat()
    found = await DBOS.list_workflows_async(
        status=["SUCCESS", "ERROR", "CANCELLED"], end_time=before, limit=limit, load_input=False, load_output=False
    )
    if found:
        await DBOS.delete_workflows_async([status.workflow_id for status in found])
    return len(found)


async def launch(settings: Settings, *, on_lost: Callable[[], None] = end_this_process) -> None:
    """Start the engine in this process and in the running event loop, and take the lease.

    Workflows recovered from the dead run in this loop too, because connections to the outside belong to it.
    """
    logging.getLogger("dbos").setLevel(logging.ERROR)
    url = settings.durable_url
    worker = new_worker_id()
    DBOS(config=_config(url, worker))
    # In the loop's own thread: the engine adopts the loop it is launched in.
    DBOS.launch()
    engine = lease_engine(url)
    _engines.append(engine)
    lease = Lease(
        engine,
        worker=worker,
        ttl_seconds=settings.lease_seconds,
        beat_seconds=settings.heartbeat_seconds,
        on_lost=on_lost,
    )
    await asyncio.to_thread(lease.start)
    presence.hold(lease)


async def shutdown() -> None:
    """Give the lease back and stop the engine. What is under way is taken over by others, or at the next start."""
    lease = presence.held()
    if lease is not None:
        await asyncio.to_thread(lease.release)
    presence.hold(None)
    await asyncio.to_thread(lambda: DBOS.destroy(workflow_completion_timeout_sec=0))
    while _engines:
        _engines.pop().dispose()


def _config(url: str, worker: str) -> DBOSConfig:
    config = DBOSConfig(
        name="signoff",
        system_database_url=url.replace("postgresql+psycopg://", "postgresql://", 1),
        application_version=APPLICATION_VERSION,
        executor_id=worker,
        serializer=JsonSerializer(),
        # Unset, every waiting workflow may take a thread of its own.
        max_executor_threads=8,
        log_level="ERROR",
        dbos_system_schema="dbos",
        sys_db_pool_size=8,
    )
    if url.startswith("sqlite"):
        config["db_engine_kwargs"] = sqlite.engine_options(url)
    else:
        # A round trip per checkout is a third of a step's time; lost connections are retried anyway.
        config["db_engine_kwargs"] = {"pool_pre_ping": False}
    return config


def lease_engine(url: str) -> sa.Engine:
    """Return connections for heartbeats, and for reading them."""
    # Of its own: a heartbeat must never wait for a connection behind the work.
    if url.startswith("sqlite"):
        return sa.create_engine(url, pool_size=2, **sqlite.engine_options(url))
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return sa.create_engine(url, pool_size=2, connect_args={"connect_timeout": 5})
