"""Runs, what they asked and what they left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.agents.openings import zone_named
from signoff.tables.agents import Agent
from signoff.tables.approvals import Approval
from signoff.tables.runs import Effect, Run, Step
from signoff.watch.probes.facts import GateAnswer, RunFact
from signoff.watch.probes.recent import busiest_day, runs_here, runs_of_revision

USED_OVER = 200
ANSWERS_MAX = 500
# How far back the work of an environment is looked at, to say how often it runs.
HERE_DAYS = 14
# Of an agent that runs often: enough for its busiest day and its slowest run.
HERE_MAX = 5_000


def both(
    session: Session, agent: Agent, environment_id: str, revision_id: str, now: datetime
) -> tuple[list[RunFact], list[RunFact]]:
    """Return the runs of a revision anywhere, and those of its agent in the environment over two weeks."""
    since = now - timedelta(days=HERE_DAYS)
    return (
        runs_of_revision(session, agent.workspace_id, revision_id),
        runs_here(session, agent.id, environment_id, since=since, size=HERE_MAX),
    )


def busiest(
    session: Session, agent: Agent, environment_id: str, here: Sequence[RunFact], zone: str, now: datetime
) -> int | None:
    """Return how many real runs there were on the busiest day of the two weeks; None when there was none."""
    kept = zone_named(zone) or ZoneInfo("UTC")
    if len(here) < HERE_MAX:
        days = Counter(run.created_at.astimezone(kept).date() for run in here if run.origin == "production")
        return max(days.values(), default=None)
    # More than are looked at one by one: what was kept of them might be no whole day.
    return busiest_day(session, agent.id, environment_id, days=HERE_DAYS, zone=kept, now=now)


def tools_used(session: Session, run_ids: Sequence[str]) -> frozenset[str]:
    """Return the names of the tools (`slot.tool`) that these runs called."""
    return frozenset(
        session.scalars(select(Step.name).where(Step.run_id.in_(run_ids), Step.kind == "tool").distinct().limit(1_000))
    )


def gate_answers(session: Session, agent_id: str, revision_id: str) -> list[GateAnswer]:
    """Return how the requests of a revision's gates ended, the newest first."""
    rows = session.execute(
        select(Approval.gate, Approval.state, Run.state, func.coalesce(Approval.decided_at, Approval.created_at))
        .join(Run, Run.id == Approval.run_id)
        .where(Approval.agent_id == agent_id, Approval.revision_id == revision_id, Approval.kind == "approval")
        .where(Approval.state.in_(("approved", "denied")))
        .order_by(Approval.id.desc())
        .limit(ANSWERS_MAX)
    )
    return [GateAnswer(*row) for row in rows]


def waiting_requests(session: Session, agent_id: str) -> tuple[datetime | None, int]:
    """Return when the oldest request that still waits was made, and how many wait."""
    oldest, count = session.execute(
        select(func.min(Approval.created_at), func.count()).where(
            Approval.agent_id == agent_id, Approval.state == "pending"
        )
    ).one()
    return oldest, count


def unknown_effects(session: Session, workspace_id: str, agent_id: str) -> int:
    """Return how many acts of an agent nobody knows the outcome of."""
    wanted = select(func.count()).select_from(Effect).join(Run, Run.id == Effect.run_id)
    open_ones = (Effect.workspace_id == workspace_id, Effect.state == "unknown", Run.agent_id == agent_id)
    return session.scalar(wanted.where(*open_ones)) or 0
