"""Rehearsals of going back that nobody has to think of: as often as a workspace's policy says, never while a release
is on its way. What serves stays what it is: the switch is undone in the transaction that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Subquery, and_, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.people.access import Principal, system
from signoff.releases.actions.drills import drill_rollback
from signoff.releases.queries import drills_page
from signoff.releases.refusals import NothingToRollBackTo
from signoff.releases.rows import open_release, watched_releases
from signoff.releases.views import DrillFacts
from signoff.tables.agents import Agent
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment, Workspace
from signoff.tables.releases import Drill
from signoff.watch.actions import raise_alert, resolve_by_key
from signoff.watch.probes.policies import holding_policy, own_policies

FAILED = "rollback_drill_failed"
# One that failed is tried again a day later: whoever has to mend it has had the day.
_AGAIN = timedelta(days=1)
_AT_ONCE = 200
_READ_MAX = 10_000


@dataclass(frozen=True, slots=True)
class DueDrill:
    """A drill whose time has come."""

    agent_id: str
    environment_id: str


def next_drill_at(
    every_days: int | None, live_since: datetime, passed_at: datetime | None, last_at: datetime | None
) -> datetime | None:
    """Return when the next drill is due; None: none is held by itself."""
    if every_days is None:
        return None
    due = (passed_at or live_since) + timedelta(days=every_days)
    return due if last_at is None else max(due, last_at + _AGAIN)


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """The last drill in one environment, and when the next is held by itself; `next_at` None: it is not."""

    last: DrillFacts | None
    next_at: datetime | None


def drill_plans(session: Session, viewer: Principal, agent: str) -> dict[str, DrillPlan]:
    """Return environment → its drills, of each where the agent serves.

    Raises:
        NotFound: there is no such agent here.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    every = holding_policy(session, row.workspace_id)[0].expected_of(row.slug).drill_every_days
    last = _last_drills()
    found = session.execute(
        select(Environment.slug, LiveRevision.changed_at, last.c.last_at, last.c.passed_at)
        .join(Environment, Environment.id == LiveRevision.environment_id)
        .outerjoin(
            last,
            and_(last.c.agent_id == LiveRevision.agent_id, last.c.environment_id == LiveRevision.environment_id),
        )
        .where(LiveRevision.agent_id == row.id)
        .limit(_AT_ONCE)
    ).all()
    newest: dict[str, DrillFacts] = {}
    for drill in drills_page(session, viewer, row.id, size=_AT_ONCE).rows:
        newest.setdefault(drill.environment, drill)
    return {
        one.slug: DrillPlan(newest.get(one.slug), next_drill_at(every, one.changed_at, one.passed_at, one.last_at))
        for one in found
    }


def due_drills(session: Session, now: datetime) -> list[DueDrill]:
    """Return the drills whose time has come, of all workspaces, some at a time."""
    policies = {one: policy for one, policy in own_policies(session).items() if policy.has_drills}
    last = _last_drills()
    rows = session.execute(
        select(
            LiveRevision.agent_id, LiveRevision.environment_id, LiveRevision.workspace_id, LiveRevision.changed_at,
            Agent.slug, last.c.last_at, last.c.passed_at,
        )
        .join(Agent, Agent.id == LiveRevision.agent_id)
        .join(Workspace, Workspace.id == LiveRevision.workspace_id)
        .outerjoin(
            last,
            and_(last.c.agent_id == LiveRevision.agent_id, last.c.environment_id == LiveRevision.environment_id),
        )
        .where(LiveRevision.workspace_id.in_(policies), Workspace.suspended_at.is_(None))
        .order_by(last.c.last_at.is_not(None), last.c.last_at, LiveRevision.agent_id, LiveRevision.environment_id)
        .limit(_READ_MAX)
    )  # fmt: skip
    found: list[DueDrill] = []
    for row in rows:
        every = policies[row.workspace_id].expected_of(row.slug).drill_every_days
        due = next_drill_at(every, row.changed_at, row.passed_at, row.last_at)
        if due is not None and due <= now:
            found.append(DueDrill(row.agent_id, row.environment_id))
    return found[:_AT_ONCE]


def hold_drill(session: Session, due: DueDrill, now: datetime) -> str | None:
    """Hold one drill that is due; return its id. None: it is not due any more, a release is on its way, or nothing
    served before that one could go back to."""
    agent = session.get_one(Agent, due.agent_id)
    if open_release(session, agent.id, due.environment_id) or watched_releases(session, agent.id, due.environment_id):
        return None
    live = session.get(LiveRevision, (agent.id, due.environment_id), populate_existing=True)
    every = holding_policy(session, agent.workspace_id)[0].expected_of(agent.slug).drill_every_days
    last = _last_drills()
    seen = session.execute(
        select(last.c.last_at, last.c.passed_at).where(
            last.c.agent_id == agent.id, last.c.environment_id == due.environment_id
        )
    ).one_or_none()
    if live is None:
        return None
    when = next_drill_at(every, live.changed_at, seen.passed_at if seen else None, seen.last_at if seen else None)
    if when is None or when > now:
        return None
    try:
        drill_id = drill_rollback(session, system(agent.workspace_id), agent.id, environment=due.environment_id)
    except NothingToRollBackTo:
        return None
    _tell(session, agent, session.get_one(Drill, drill_id))
    return drill_id


def _last_drills() -> Subquery:
    return (
        select(
            Drill.agent_id, Drill.environment_id, func.max(Drill.at).label("last_at"),
            func.max(Drill.at).filter(Drill.is_passed).label("passed_at"),
        )
        .group_by(Drill.agent_id, Drill.environment_id)
        .subquery()
    )  # fmt: skip


def _tell(session: Session, agent: Agent, drill: Drill) -> None:
    key = f"{FAILED}:{agent.id}:{drill.environment_id}"
    if drill.is_passed:
        resolve_by_key(session, agent.workspace_id, key)
        return
    raise_alert(
        session, agent.workspace_id, key=key, kind=FAILED, agent_id=agent.id, detail={"drill": drill.id},
        text=f"A rehearsal of going back with {agent.slug} failed after {drill.milliseconds} ms. {drill.text}",
    )  # fmt: skip
