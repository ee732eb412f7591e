"""What the rest of the product may ask about this process as a worker: who it is, and whether it may still act."""

from __future__ import annotations

import asyncio

from signoff.durable.lease import Lease, WorkerFacts

_PAUSE_SECONDS = 0.2

# One lease per process, set while the engine runs in it.
_held: list[Lease] = []


def hold(lease: Lease | None) -> None:
    """Make `lease` the lease of this process; None when the engine has stopped."""
    _held.clear()
    if lease is not None:
        _held.append(lease)


def held() -> Lease | None:
    """Return the lease of this process."""
    return _held[0] if _held else None


def worker_id() -> str:
    """Return this process's id as a worker; empty while the engine does not run in it."""
    return _held[0].worker if _held else ""


def is_alive() -> bool:
    """Return whether the engine runs in this process and its heartbeat is fresh."""
    return bool(_held) and _held[0].is_fresh()


def is_lease_fresh() -> bool:
    """Return whether `may_act` is true without asking anybody; costs nothing and never blocks."""
    return not _held or _held[0].is_fresh()


def may_act() -> bool:
    """Return whether this process may touch the outside world; ask right before an effect.

    Costs nothing while the lease is fresh. A process that slept, or lost its database, asks the database once: if
    somebody took over its work, the process ends here and the effect does not happen.
    """
    return is_lease_fresh() or _held[0].beat()


async def until_may_act() -> None:
    """Return once `may_act` is true; an effect then waits for a database that is away for a while."""
    while not await asyncio.to_thread(may_act):  # noqa: ASYNC110  # Nobody signals that a database is back.
        await asyncio.sleep(_PAUSE_SECONDS)


def workers() -> list[WorkerFacts]:
    """Return the processes of the engine, the living first; blocking. Empty while the engine does not run here."""
    return _held[0].workers() if _held else []
