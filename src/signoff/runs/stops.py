"""Orders to call many runs off: what they would hit, and how far they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.kit.errors import NotFound
from signoff.people.access import Principal, authorize, reach
from signoff.record.marks import Reach, reach_of
from signoff.runs.filters import RunFilter, conditions
from signoff.tables.runs import Run
from signoff.tables.stops import StopOrder

OPEN = ("queued", "running", "waiting")
_FIELDS = ("agent", "revision", "source", "origin", "environment", "text", "needs_attention", "code", "failed_step")


@dataclass(frozen=True, slots=True)
class OpenRuns:
    """How many runs are under way: what a stop would hit."""

    queued: int
    running: int
    waiting: int

    @property
    def total(self) -> int:
        """Return all of them."""
        return self.queued + self.running + self.waiting


@dataclass(frozen=True, slots=True)
class StopFacts:
    """An order to stop, and how far it is.

    Args:
        found: how many runs there were when it was given.
        cancelled: how many were called off before they ran on; `asked`: how many were running.
        seconds: from the click until the last of them had ended; None while it is under way.
        reach: how many workers knew of it, and after how many seconds the last did.
    """

    id: str
    agent_id: str | None
    reason: str
    ordered_by_name: str
    ordered_at: datetime
    found: OpenRuns
    cancelled: int
    asked: int
    state: str
    seconds: float | None
    reach: Reach


def open_runs(session: Session, viewer: Principal, agent: str) -> OpenRuns:
    """Return how many runs of an agent are under way: the blast radius of a stop.

    Raises:
        NotFound: this workspace has no such agent.
        NotAllowed: the viewer may not cancel its runs.
    """
    found = agent_for(session, viewer, agent, "run.cancel")
    return counted(session, [Run.agent_id == found.id])


def counted(session: Session, bounds: list[ColumnElement[bool]]) -> OpenRuns:
    """Return how many runs are under way within bounds. For this room."""
    rows = session.execute(select(Run.state, func.count()).where(*bounds, Run.state.in_(OPEN)).group_by(Run.state))
    by_state = {state: int(number) for state, number in rows}
    return OpenRuns(*(by_state.get(state, 0) for state in OPEN))


def stop_order(session: Session, viewer: Principal, order_id: str) -> StopFacts:
    """Return one order.

    Raises:
        NotFound: the viewer's workspace has no such order.
        NotAllowed: the viewer may see no runs.
    """
    authorize(viewer, "run.read")
    row = session.scalar(
        select(StopOrder).where(StopOrder.id == order_id, StopOrder.workspace_id == viewer.workspace_id)
    )
    if row is None:
        raise NotFound("There is no such order in this workspace.")
    if row.agent_id is not None:
        agent_for(session, viewer, row.agent_id, "agent.read")
    elif row.ordered_by != viewer.id and reach(viewer, "run.read") != "all":
        raise NotFound("There is no such order in this workspace.")
    return _facts(session, row)


def last_stop(session: Session, agent_id: str) -> StopFacts | None:
    """Return the newest order to stop an agent. For pages that show the agent already."""
    row = session.scalar(select(StopOrder).where(StopOrder.agent_id == agent_id).order_by(StopOrder.id.desc()).limit(1))
    return _facts(session, row) if row is not None else None


def _facts(session: Session, row: StopOrder) -> StopFacts:
    seconds = (
        None
        if row.state != "done" or row.ended_at is None
        else max((row.ended_at - row.ordered_at).total_seconds(), 0.0)
    )
    return StopFacts(
        row.id, row.agent_id, row.reason, row.ordered_by_name, row.ordered_at,
        OpenRuns(**{state: int(row.found.get(state, 0)) for state in OPEN}), row.cancelled, len(row.asked), row.state,
        seconds, reach_of(session, [row.id]).get(row.id, Reach()),
    )  # fmt: skip


def bounds_of(workspace_id: str, wanted: Mapping[str, Any], *, agent_id: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions of a stored filter. For this room."""
    given: dict[str, Any] = {name: wanted[name] for name in _FIELDS if wanted.get(name) is not None}
    times: dict[str, Any] = {
        name: datetime.fromisoformat(wanted[name]) for name in ("since", "until") if wanted.get(name)
    }
    bounds: list[ColumnElement[bool]] = [Run.workspace_id == workspace_id]
    if agent_id is not None:
        bounds.append(Run.agent_id == agent_id)
    if wanted.get("environment_id"):
        bounds.append(Run.environment_id == wanted["environment_id"])
    if wanted.get("states"):
        bounds.append(Run.state.in_(wanted["states"]))
    return [*bounds, *conditions(RunFilter(**given, **times), workspace_id)]


def as_stored(wanted: RunFilter, *, environment_id: str | None) -> dict[str, Any]:
    """Return a filter as an order keeps it. For this room."""
    plain: dict[str, Any] = {name: getattr(wanted, name) for name in _FIELDS if getattr(wanted, name) is not None}
    for name in ("since", "until"):
        moment = getattr(wanted, name)
        if moment is not None:
            plain[name] = moment.isoformat()
    if wanted.states:
        plain["states"] = list(wanted.states)
    if environment_id:
        plain["environment_id"] = environment_id
    return plain
