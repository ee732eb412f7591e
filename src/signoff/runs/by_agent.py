"""What a list of agents says about their runs: the last one, and what came and was spent since a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.kit import ids
from signoff.people.access import Principal, authorize, reach
from signoff.runs.filters import NO_REHEARSAL, visible
from signoff.tables.agents import Agent
from signoff.tables.runs import Run

# More runs than this need a look: then the number itself is no news.
_ATTENTION_READ = 2_000


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of an agent."""

    id: str
    state: str
    waiting_for: str | None
    title: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AgentRuns:
    """An agent's runs, as far as the viewer may see them.

    `runs` and `cost_usd` count from the moment asked for; `needing_attention` counts all.
    """

    last: LastRun | None = None
    runs: int = 0
    needing_attention: int = 0
    cost_usd: Decimal = Decimal(0)
    is_price_unknown: bool = False


NO_RUNS = AgentRuns()


def figures_by_agent(
    session: Session, viewer: Principal, agent_ids: Sequence[str], *, since: datetime
) -> dict[str, AgentRuns]:
    """Return the figures of each of the agents of one page, in three queries."""
    authorize(viewer, "run.read")
    if not agent_ids:
        return {}
    last = _last_runs(session, viewer, agent_ids)
    counted = session.execute(
        select(
            Run.agent_id,
            func.count(),
            func.sum(Run.cost_usd),
            func.count().filter(Run.is_price_unknown),
        )
        .where(Run.agent_id.in_(agent_ids), Run.id >= ids.first_at("run", since), NO_REHEARSAL, *visible(viewer))
        .group_by(Run.agent_id)
    )
    waiting = _needing_attention(session, viewer, agent_ids)
    found = {agent_id: AgentRuns(last.get(agent_id), 0, waiting[agent_id]) for agent_id in agent_ids}
    for agent_id, runs, cost, unknown in counted:
        found[agent_id] = replace(found[agent_id], runs=runs, cost_usd=cost or Decimal(0), is_price_unknown=unknown > 0)
    return found


def last_runs_by_agent(session: Session, viewer: Principal, agent_ids: Sequence[str]) -> dict[str, LastRun]:
    """Return the last run of each of a few agents that have had one."""
    authorize(viewer, "run.read")
    return _last_runs(session, viewer, agent_ids)


def _needing_attention(session: Session, viewer: Principal, agent_ids: Sequence[str]) -> Counter[str]:
    # Newest first, so that the index of what needs attention is walked, and not every run of the workspace.
    rows = session.scalars(
        select(Run.agent_id)
        .where(*visible(viewer), Run.needs_attention.is_(True))
        .order_by(Run.id.desc())
        .limit(_ATTENTION_READ)
    )
    wanted = set(agent_ids)
    return Counter(agent_id for agent_id in rows if agent_id in wanted)


def _last_runs(session: Session, viewer: Principal, agent_ids: Sequence[str]) -> dict[str, LastRun]:
    # One step in the index (agent, id) for each agent, however many runs it has had. The workspace is asked of the
    # agent: asked of the run, it would tempt SQLite to read every run of the workspace for each agent.
    is_narrowed = viewer.environment_id or reach(viewer, "run.read") != "all"
    newest = (
        select(Run.id)
        .where(Run.agent_id == Agent.id, NO_REHEARSAL, *(visible(viewer) if is_narrowed else ()))
        .order_by(Run.id.desc())
        .limit(1)
        .correlate(Agent)
        .scalar_subquery()
    )
    # In two steps: in one, Postgres reads every run there is.
    asked = select(newest).where(Agent.id.in_(agent_ids), Agent.workspace_id == viewer.workspace_id)
    found = session.scalars(asked).all()  # None for an agent that has had no run.
    rows = session.execute(
        select(Run.agent_id, Run.id, Run.state, Run.waiting_for, Run.title, Run.created_at).where(Run.id.in_(found))
    )
    return {row[0]: LastRun(*row[1:]) for row in rows}


@dataclass(frozen=True, slots=True)
class AgentTotals:
    """What became of one agent's runs since a moment."""

    runs: int
    completed: int
    failed: int
    cost_usd: Decimal
    is_price_unknown: bool

    @property
    def completed_percent(self) -> int | None:
        """Return the share of ended runs that completed; None when none has ended."""
        over = self.completed + self.failed
        return round(100 * self.completed / over) if over else None


def totals_of(session: Session, viewer: Principal, agent_id: str, *, since: datetime) -> AgentTotals:
    """Return the sums over one agent's runs, in one query."""
    authorize(viewer, "run.read")
    row = session.execute(
        select(
            func.count(),
            func.count().filter(Run.state == "completed"),
            func.count().filter(Run.state == "failed"),
            func.sum(Run.cost_usd),
            func.count().filter(Run.is_price_unknown),
        ).where(Run.agent_id == agent_id, Run.id >= ids.first_at("run", since), NO_REHEARSAL, *visible(viewer))
    ).one()
    return AgentTotals(row[0], row[1], row[2], row[3] or Decimal(0), row[4] > 0)
