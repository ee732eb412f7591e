"""One leg of a run: the one durable workflow of the product. Its id is `run_id/leg`.

What a leg relies on is kept with the leg when it begins, and what each call gave is kept with its step, by its key. A
leg that begins again after a crash runs from its start, and calls that have ended answer from their steps. Everything
between them is derived from what they gave and from rows that never change.
"""

from __future__ import annotations

import logging

from signoff import durable
from signoff.engine.beginning import Beginning, begin
from signoff.engine.finishing import finish
from signoff.engine.flights import Flight, Flights, Stop
from signoff.engine.loop import LegEnd, run_loop
from signoff.engine.tool_names import named
from signoff.engine.work import LegWork
from signoff.gateways.services import Services
from signoff.gateways.standing import TakenOver
from signoff.kit.faultpoints import faultpoint
from signoff.kit.logs import logging_as
from signoff.kit.text import shortened

_log = logging.getLogger(__name__)


class Engine:
    """What the workflow finds in its process: the services, the legs in flight and the messages being carried."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.flights = Flights()
        # Ids of the outbox messages that the relay has claimed and not put away yet.
        self.in_hand: set[str] = set()


# The workflow's arguments are stored, so they are ids; what it works with is found here.
_running: list[Engine] = []


def install(engine: Engine | None) -> None:
    """Make `engine` the one of this process; None when it has stopped."""
    _running.clear()
    if engine is not None:
        _running.append(engine)


def workflow_id(run_id: str, leg: int) -> str:
    """Return the id of a leg's workflow."""
    return f"{run_id}/{leg}"


@durable.workflow("run_leg")
async def run_leg(run_id: str, leg: int) -> str:
    """Run one leg. Returns the state of the run at its end."""
    engine = _running[0]
    flight = engine.flights.board(run_id, leg)
    # Every line the process logs for this run carries its id, whatever part of it writes the line.
    with logging_as(run_id=run_id, leg=str(leg)):
        _log.info("a leg begins")
        try:
            state = await _leg(engine, flight)
        finally:
            engine.flights.land(flight)
        _log.info("a leg ends", extra={"state": state})
    return state


async def _leg(engine: Engine, flight: Flight) -> str:
    services, worker = engine.services, durable.worker_id()
    begun = await services.store.write_async(
        begin,
        services,
        flight.run_id,
        flight.leg,
        worker=worker,
        wall_seconds_max=services.settings.run_wall_seconds_max,
    )
    if begun is None:
        return "elsewhere"
    flight.deadline_at = begun.deadline_at
    work = LegWork(
        services=services,
        context=begun.context,
        flight=flight,
        tools=named(begun.tools),
        history=begun.history,
        saved=len(begun.history),
        edited={
            call_id: said["args"]
            for call_id, said in begun.settled.items()
            if said["outcome"] == "approved" and said.get("args") is not None
        },
    )
    faultpoint("leg-started")
    try:
        end = await _end_of(work, begun)
    except TakenOver:
        # Nothing of it is ours any more, and the engine keeps the outcome of whoever works on it now.
        _log.warning("another worker has taken this leg over")
        return "elsewhere"
    faultpoint("before-complete")
    state = await services.store.write_async(finish, begun.context, end, saved=work.saved, worker=worker)
    if end.kind == "held":
        faultpoint("hold-created")
    faultpoint("completed-not-acked")
    return state


def _final(begun: Beginning) -> Stop | None:
    """Return how the run ends by what people said, or did not say in time: then no call of this leg is made."""
    said = next((one for one in begun.settled.values() if str(one["outcome"]).endswith("_final")), None)
    return None if said is None else Stop("failed", said["code"], said["reason"])


async def _end_of(work: LegWork, begun: Beginning) -> LegEnd:
    if begun.missing:
        return LegEnd("stopped", stop=Stop("failed", "tool_missing", begun.missing))
    if (final := _final(begun)) is not None:
        return LegEnd("stopped", stop=final)
    try:
        return await run_loop(work, begun.input, begun.settled)
    except TakenOver:
        raise
    except Exception as error:  # noqa: BLE001
        # Whatever it is, the run must not stay where it is, and the page must say something.
        _log.exception("run %s leg %s broke", work.context.run_id, work.context.leg)
        words = shortened(f"{type(error).__name__}: {error}", 300)
        stop = Stop("failed", "engine_fault", f"Signoff itself failed while working on this run ({words}).")
        return LegEnd("stopped", stop=stop, failed_step=work.last_step, unsaved=work.live()[work.saved :])
