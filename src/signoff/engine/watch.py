"""Looks after the legs in flight in this process: who was called off from elsewhere?"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from signoff import durable
from signoff.engine.flights import Stop
from signoff.engine.workflows import Engine
from signoff.record.marks import note_seen, unseen
from signoff.tables.runs import Run

_log = logging.getLogger(__name__)
_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CalledOff:
    """A run that must not go on, and why."""

    run_id: str
    code: str
    reason: str


def called_off(session: Session, run_ids: list[str]) -> list[CalledOff]:
    """Return which of these runs were asked to end, or have been ended by somebody else."""
    rows = session.execute(
        select(Run.id, Run.code, Run.reason).where(
            Run.id.in_(run_ids), or_(Run.is_cancel_requested, Run.state != "running")
        )
    )
    return [CalledOff(row.id, row.code or "cancelled", row.reason or "The run was cancelled.") for row in rows]


async def _look_for_orders(engine: Engine) -> None:
    """Note that this worker knows of every pause, freeze and stop: how long that took is told beside the button."""
    try:
        marks = await engine.services.store.read_async(unseen, durable.worker_id())
        if marks:
            await engine.services.store.write_async(note_seen, durable.worker_id(), marks)
    except SQLAlchemyError:
        _log.warning("could not look for orders to stop; looking again")


async def watch(engine: Engine) -> None:
    """Watch until cancelled. One question a second, and one more while something is in flight."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        await _look_for_orders(engine)
        run_ids = [flight.run_id for flight in engine.flights.begun]
        if not run_ids:
            continue
        try:
            found = await engine.services.store.read_async(called_off, run_ids)
        except SQLAlchemyError:
            _log.warning("could not ask which runs were called off; asking again")
            continue
        for run in found:
            engine.flights.call_off(run.run_id, Stop("cancelled", run.code, run.reason))
