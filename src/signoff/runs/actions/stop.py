"""Calling many runs off at once: the click marks what runs, and a worker calls off the rest in batches.

A batch is a handful of statements whatever its size, each conditional as a single cancel is: what began to run between
two of them is asked to end, and what has ended is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.pauses import pause_agent
from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.agents.pauses import pause_of
from signoff.kit import clock, ids
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal, authorize, can, reach
from signoff.record import audit, outbox
from signoff.record.actor import SYSTEM
from signoff.record.marks import set_mark
from signoff.runs.actions.batch import call_off_batch
from signoff.runs.called_by import last_end_below, parents_among
from signoff.runs.filters import RunFilter
from signoff.runs.states import is_over
from signoff.runs.stops import as_stored, bounds_of, counted
from signoff.tables.runs import Run
from signoff.tables.stops import StopOrder

STOP = "runs.stop"
# So many are called off with the click itself; a worker does the rest.
AT_ONCE = 1_000
BATCH = 5_000
_RUNNING_NAMED_MAX = 5_000


def stop_agent(session: Session, principal: Principal, agent_id: str, *, reason: str, with_pause: bool = True) -> str:
    """Cancel everything of an agent that is running, waiting and queued. Returns the order's id.

    With `with_pause` the agent is paused too, so that nothing takes the place of what was stopped.

    Raises:
        NotFound, NotAllowed: as for cancelling one of its runs; pausing takes the right to.
        Malformed: no reason is given.
    """
    agent = agent_for(session, principal, agent_id, "run.cancel")
    words = checked_reason(reason)
    owners = (agent.owner_id, agent.backup_id)
    if (
        with_pause
        and pause_of(session, agent.id) is None
        and can(principal, "agent.disable", owners=owners, agent_id=agent.id)
    ):
        pause_agent(session, principal, agent.id, reason=words)
    wanted = as_stored(RunFilter(), environment_id=principal.environment_id)
    return _order(session, principal, wanted, words, agent_id=agent.id)


def cancel_matching(session: Session, principal: Principal, wanted: RunFilter, *, reason: str) -> str:
    """Cancel every run under way that fits a filter. Returns the order's id.

    Raises:
        NotAllowed: the caller may not cancel everybody's runs; with an agent in the filter, those of that agent.
        NotFound: there is no such agent here.
        Malformed: no reason is given.
    """
    words = checked_reason(reason)
    if wanted.agent:
        agent_for(session, principal, wanted.agent, "run.cancel")
    else:
        authorize(principal, "run.cancel")
        if reach(principal, "run.cancel") != "all":
            raise NotAllowed(
                "Calling off everybody's runs takes the role manager or higher. Name an agent of yours in the filter.",
                extra={"required": "run.cancel", "granted": "own"},
            )
    return _order(session, principal, as_stored(wanted, environment_id=principal.environment_id), words, agent_id=None)


def _order(
    session: Session, principal: Principal, wanted: Mapping[str, Any], reason: str, *, agent_id: str | None
) -> str:
    moment = clock.now()
    bounds = bounds_of(principal.workspace_id, wanted, agent_id=agent_id)
    found = counted(session, bounds)
    asked = _ask_running(session, bounds, reason)
    order = StopOrder(
        id=ids.new_id("stp"), workspace_id=principal.workspace_id, agent_id=agent_id, wanted=dict(wanted),
        reason=reason, ordered_by=principal.id, ordered_by_name=principal.name, ordered_at=moment,
        found={"queued": found.queued, "running": found.running, "waiting": found.waiting}, asked=asked,
        state="under_way", cancelled=0,
    )  # fmt: skip
    session.add(order)
    session.flush()
    hit = _call_off(session, order, bounds, AT_ONCE)
    order.cancelled, order.families = len(hit), parents_among(session, hit)
    order.ended_at = clock.now() if order.cancelled else None
    session.flush()
    set_mark(session, order.workspace_id, order.id, moment)
    audit.write(
        session, workspace_id=order.workspace_id, actor=principal.actor,
        action="agent.stopped" if agent_id else "runs.stopped", object_kind="agent" if agent_id else "stop",
        object_id=agent_id or order.id,
        detail={"stop": order.id, "filter": dict(wanted), "found": order.found, "reason": reason},
    )  # fmt: skip
    outbox.send(session, workspace_id=order.workspace_id, kind=STOP, payload={"order": order.id})
    return order.id


def _call_off(session: Session, order: StopOrder, bounds: list[ColumnElement[bool]], size: int) -> list[str]:
    return call_off_batch(
        session, bounds, reason=order.reason, size=size, by=order.ordered_by, by_name=order.ordered_by_name
    )


def _ask_running(session: Session, bounds: list[ColumnElement[bool]], reason: str) -> list[str]:
    """Ask what runs to end; each process looks every second whether a run of its own was asked."""
    asked = session.execute(
        update(Run)
        .where(*bounds, Run.state == "running")
        .values(is_cancel_requested=True, code="cancelled", reason=reason)
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    )
    return [row[0] for row in asked][:_RUNNING_NAMED_MAX]


def stop_some(session: Session, order_id: str) -> bool:
    """Call off one more batch of an order. Returns whether anything was left to call off. For the engine."""
    order = session.get(StopOrder, order_id)
    if order is None or order.state != "under_way":
        return False
    bounds = bounds_of(order.workspace_id, order.wanted, agent_id=order.agent_id)
    # What came after the click is not what was to be stopped.
    bounds.append(Run.created_at <= order.ordered_at)
    hit = _call_off(session, order, bounds, BATCH)
    # After the batch: what it missed because it had just begun is found here.
    late = _ask_running(session, [*bounds, Run.is_cancel_requested.is_(False)], order.reason)
    order.cancelled += len(hit)
    order.asked = [*order.asked, *late]
    order.families = [*(order.families or ()), *parents_among(session, hit)]
    if hit:
        order.ended_at = clock.now()
    if not hit and not late:
        order.state = "ending"
    session.flush()
    return bool(hit or late)


def finish_stop(session: Session, order_id: str) -> bool:
    """Close an order once everything it asked to end has ended, with the time that took. Returns whether it has.

    What other agents did for those runs ends with them, and the time is that of all.
    """
    order = session.get_one(StopOrder, order_id)
    if order.state == "done":
        return True
    ends: list[datetime] = [order.ended_at or order.ordered_at]
    for start in range(0, len(order.asked), BATCH):
        named = Run.id.in_(order.asked[start : start + BATCH])
        # Its leg may have ended with a wait before it heard of the order.
        order.cancelled += len(_call_off(session, order, [named], BATCH))
        for state, ended_at in session.execute(select(Run.state, Run.ended_at).where(named)):
            if not is_over(state):
                return False
            ends.append(ended_at or order.ordered_at)
    below = last_end_below(session, [*order.asked, *(order.families or ())])
    if below == "open":
        return False
    if below is not None:
        # What had ended before the order is not what it ended.
        ends.append(max(below, order.ordered_at))
    last = order.ended_at = max(ends)
    order.state = "done"
    session.flush()
    seconds = round(max((last - order.ordered_at).total_seconds(), 0.0), 3)
    audit.write(
        session, workspace_id=order.workspace_id, actor=SYSTEM, action="stop.measured", object_kind="stop",
        object_id=order.id, detail={"cancelled": order.cancelled, "asked": len(order.asked), "seconds": seconds},
    )  # fmt: skip
    return True
