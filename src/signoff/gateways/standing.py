"""Whether a run may still act: read with the other facts of a call, and again just before an act that had to wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.gateways.chain import ALLOW, Verdict
from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.runs.states import is_over
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection
from signoff.tables.people import Environment, Workspace
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run

# A verdict older than this is asked for again before anything is sent.
STALE_SECONDS = 0.5
# Built once: it is asked with every call, and building it costs more than asking.
_STANDING = Prepared(
    select(
        Run.state,
        Run.is_cancel_requested,
        Run.deadline_at,
        Run.tokens_in,
        Run.tokens_out,
        Run.origin,
        Run.flow,
        Agent.slug,
        Agent.state.label("agent_state"),
        Workspace.time_zone,
        Workspace.daily_cap_usd,
        Workspace.suspended_at,
        Environment.name.label("environment_name"),
        Environment.daily_cap_usd.label("environment_cap_usd"),
    )
    .join(Agent, Agent.id == Run.agent_id)
    .join(Workspace, Workspace.id == Run.workspace_id)
    .join(Environment, Environment.id == Run.environment_id)
    .where(Run.id == bindparam("of_run"))
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts that can end a run's right to act at any moment."""

    run_state: str
    is_cancel_requested: bool
    deadline_at: datetime | None
    agent_slug: str
    agent_state: str
    tokens_used: int
    origin: str
    time_zone: str
    daily_cap_usd: Decimal | None
    environment_name: str = ""
    environment_cap_usd: Decimal | None = None
    is_workspace_suspended: bool = False
    connection_slug: str | None = None
    connection_state: str | None = None
    # What the run has read so far, see `runs/marks.py`.
    flow: dict[str, int] | None = None


def standing_of(session: Session, run_id: str, *, connection: Connection | None = None) -> Standing:
    """Return the facts as they are now, with those of the connection that is about to be used.

    Raises:
        NotFound: the run is gone.
    """
    row = _STANDING.first(session, {"of_run": run_id})
    if row is None:
        raise NotFound("There is no such run.")
    return Standing(
        run_state=row.state,
        is_cancel_requested=row.is_cancel_requested,
        deadline_at=row.deadline_at,
        agent_slug=row.slug,
        agent_state=row.agent_state,
        tokens_used=row.tokens_in + row.tokens_out,
        origin=row.origin,
        time_zone=row.time_zone,
        daily_cap_usd=row.daily_cap_usd,
        environment_name=row.environment_name,
        environment_cap_usd=row.environment_cap_usd,
        is_workspace_suspended=row.suspended_at is not None,
        connection_slug=connection.slug if connection else None,
        connection_state=connection.state if connection else None,
        flow=row.flow,
    )


def revoked(standing: Standing) -> Verdict:
    """Return `stop` with the reason when the run may not act any more, else `allow`."""
    if standing.is_cancel_requested:
        return Verdict("stop", "The run was cancelled.", code="cancelled")
    if is_over(standing.run_state):
        return Verdict("stop", f"The run is over already ({standing.run_state}).", code="run_is_over")
    if standing.is_workspace_suspended:
        return Verdict("stop", "The workspace is suspended: nothing runs in it.", code="workspace_suspended")
    if standing.agent_state != "active":
        return Verdict(
            "stop",
            f"The agent {standing.agent_slug} is switched off. Enable it and run it again to go on.",
            code="agent_disabled",
        )
    if standing.deadline_at is not None and clock.now() >= standing.deadline_at:
        return Verdict("stop", "The run has used the time it may take (limits.wall_seconds).", code="deadline_passed")
    if standing.connection_state is not None and standing.connection_state != "active":
        return Verdict(
            "stop",
            f"The connection {standing.connection_slug} is {standing.connection_state}. "
            "Nothing goes through it until it is active again.",
            code=f"connection_{standing.connection_state}",
        )
    return ALLOW
