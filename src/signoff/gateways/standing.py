"""Whether a run may still act: read with the other facts of a call, and again just before an act that had to wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from signoff.gateways.chain import ALLOW, Verdict
from signoff.kit import clock, money
from signoff.kit.errors import NotFound
from signoff.record import trace
from signoff.runs.facts import RunContext
from signoff.runs.family import Family, Kin, family_of
from signoff.runs.states import is_over
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection
from signoff.tables.people import Environment, Workspace
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Leg, Run

# A verdict older than this is asked for again before anything is sent.
STALE_SECONDS = 0.5
# Built once: it is asked with every call, and building it costs more than asking.
_standing = (
    select(
        Run.state,
        Run.is_cancel_requested,
        Run.deadline_at,
        Run.tokens_in,
        Run.tokens_out,
        Run.origin,
        Run.leg,
        Leg.worker,
        Run.raised_usd,
        Run.flow,
        Run.child_runs,
        Agent.slug,
        Agent.name.label("agent_name"),
        Agent.state.label("agent_state"),
        Workspace.time_zone,
        Workspace.suspended_at,
        Environment.name.label("environment_name"),
        Environment.is_production,
    )
    .join(Agent, Agent.id == Run.agent_id)
    .join(Workspace, Workspace.id == Run.workspace_id)
    .join(Environment, Environment.id == Run.environment_id)
    .outerjoin(Leg, and_(Leg.run_id == Run.id, Leg.number == Run.leg))
    .where(Run.id == bindparam("of_run"))
)
_STANDING = Prepared(_standing)
# Whoever will write of the run takes its turn by the same question.
_STANDING_IN_TURN = Prepared(_standing.with_for_update(key_share=True, of=Run))


class TakenOver(Exception):
    """Another worker works on the run, or the run has gone on to its next leg. Whoever hears this writes nothing more:
    the steps, the money and the acts of the run are the other's."""


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
    agent_name: str = ""
    environment_name: str = ""
    is_production: bool = False
    # What people allowed the run beyond its revision's limit.
    raised_usd: Decimal = money.ZERO
    is_workspace_suspended: bool = False
    connection_slug: str | None = None
    connection_state: str | None = None
    # What the run has read so far, see `runs/marks.py`.
    flow: dict[str, int] | None = None
    # The runs it came of and those that came of it, None where there are none; and those above it, the nearest first.
    family: Family | None = None
    above: tuple[Kin, ...] = ()


def standing_of(
    session: Session, run: RunContext, *, connection: Connection | None = None, takes_turn: bool = False
) -> Standing:
    """Return the facts as they are now, with those of the connection that is about to be used.

    `takes_turn`: what is decided by them will be written to the run in this transaction (see `trace.take_turn`).

    Raises:
        NotFound: the run is gone.
        TakenOver: the leg is not the run's any more, or not this worker's. A process that was only asleep may believe
            in its lease for a moment longer; who works on a leg is written with the leg.
    """
    statement = _STANDING_IN_TURN if takes_turn else _STANDING
    row = statement.first(session, {"of_run": run.run_id})
    if takes_turn:
        trace.note_turn(session, run.run_id)
    if row is None:
        raise NotFound("There is no such run.")
    if row.leg != run.leg or (run.worker and row.worker != run.worker):
        raise TakenOver(f"Leg {run.leg} of {run.run_id} is worked on elsewhere.")
    family = family_of(session, run.family_id) if run.depth or row.child_runs else None
    return Standing(
        run_state=row.state,
        is_cancel_requested=row.is_cancel_requested,
        deadline_at=row.deadline_at,
        agent_slug=row.slug,
        agent_state=row.agent_state,
        tokens_used=family.tokens(run.run_id) if family is not None else row.tokens_in + row.tokens_out,
        origin=row.origin,
        time_zone=row.time_zone,
        agent_name=row.agent_name,
        environment_name=row.environment_name,
        is_production=row.is_production,
        raised_usd=row.raised_usd,
        is_workspace_suspended=row.suspended_at is not None,
        connection_slug=connection.slug if connection else None,
        connection_state=connection.state if connection else None,
        flow=row.flow,
        family=family,
        above=tuple(family.above(run.run_id)) if family is not None else (),
    )


def _ended_above(above: Sequence[Kin]) -> Verdict | None:
    """Return `stop` when a run that this one works for may not act any more: then nor may this one."""
    for kin in above:
        if kin.is_cancel_requested or kin.is_over:
            what = "was cancelled" if kin.is_cancel_requested else f"is {kin.state}"
            return Verdict("stop", f"The run of {kin.agent_slug} that this one works for {what}.", code="parent_ended")
        if kin.agent_state != "active":
            words = f"The agent {kin.agent_slug}, for which this run works, is switched off."
            return Verdict("stop", words, code="agent_disabled")
    return None


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
    if (ended := _ended_above(standing.above)) is not None:
        return ended
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
