"""One leg of a run: the one durable workflow of the product. Its id is `run_id/leg`.

Three kinds of recorded steps: `begin`, the calls of the agent loop, `finish`. Everything between them is derived from
what they returned and from rows that never change.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from signoff import durable
from signoff.engine import messages as conversation
from signoff.engine.beginning import begin
from signoff.engine.finishing import finish
from signoff.engine.flights import Flight, Flights, Stop
from signoff.engine.loop import LegEnd, run_loop
from signoff.engine.tool_names import PinnedTool, named
from signoff.engine.work import LegWork
from signoff.gateways.services import Services
from signoff.kit.faultpoints import faultpoint
from signoff.kit.logs import logging_as
from signoff.kit.text import shortened
from signoff.runs import actions
from signoff.runs.facts import RunContext, context_of

_log = logging.getLogger(__name__)


class Engine:
    """What the workflow finds in its process: the services and the legs in flight."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.flights = Flights()


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
    services = engine.services
    run_id, leg = flight.run_id, flight.leg
    has_begun_here: list[bool] = []

    async def first() -> dict[str, Any]:
        has_begun_here.append(True)
        return await services.store.write_async(
            begin,
            services,
            run_id,
            leg,
            worker=durable.worker_id(),
            wall_seconds_max=services.settings.run_wall_seconds_max,
        )

    began = await durable.step("begin", first)
    if not began["is_begun"]:
        return "elsewhere"
    if not has_begun_here and not await services.store.write_async(
        actions.take_leg, run_id, leg, worker=durable.worker_id()
    ):
        return "ended"
    flight.deadline_at = datetime.fromisoformat(began["deadline_at"])
    context, history = await services.store.read_async(_unchanging, run_id, leg)
    work = LegWork(
        services=services,
        context=context,
        flight=flight,
        tools=named(PinnedTool(**tool) for tool in began["tools"]),
        history=history,
        saved=len(history),
    )
    end = await _end_of(work, began)

    async def last() -> dict[str, Any]:
        faultpoint("before-complete")
        state = await services.store.write_async(finish, context, end, saved=work.saved, worker=durable.worker_id())
        if end.kind == "held":
            faultpoint("hold-created")
        faultpoint("completed-not-acked")
        return {"state": state}

    return (await durable.step("finish", last))["state"]


def _unchanging(session: Any, run_id: str, leg: int) -> tuple[RunContext, list[Any]]:
    history = conversation.load(session, run_id, before_leg=leg) if leg > 1 else []
    return context_of(session, run_id, leg=leg), history


async def _end_of(work: LegWork, began: dict[str, Any]) -> LegEnd:
    if began.get("missing"):
        return LegEnd("stopped", stop=Stop("failed", "tool_missing", began["missing"]))
    try:
        return await run_loop(work, began["input"], began["settled"])
    except Exception as error:  # noqa: BLE001
        # Whatever it is, the run must not stay where it is, and the page must say something.
        _log.exception("run %s leg %s broke", work.context.run_id, work.context.leg)
        words = shortened(f"{type(error).__name__}: {error}", 300)
        stop = Stop("failed", "engine_fault", f"Signoff itself failed while working on this run ({words}).")
        return LegEnd("stopped", stop=stop, failed_step=work.last_step, unsaved=work.live()[work.saved :])
