"""Beginning to follow an agent that serves production for the first time, however it came to; and what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.kit import ids
from signoff.record import audit
from signoff.record.actor import SYSTEM
from signoff.releases.follow_up.calendar import day_of, ends, zone_of
from signoff.releases.follow_up.days import look_at_days, rule_of
from signoff.releases.follow_up.reviews import make_reviews, tell_overdue
from signoff.tables.agents import Agent
from signoff.tables.deployments import Deployment, LiveRevision
from signoff.tables.follow_ups import FollowUp, Review
from signoff.tables.people import Environment, Workspace
from signoff.watch.probes.load_agents import tier_in
from signoff.watch.probes.policies import holding_policy

# What has served for longer than this when it is first seen had its first week before anybody counted.
_KNOWN = timedelta(days=7)
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """An agent that serves a production environment and is not followed yet."""

    agent_id: str
    environment_id: str


def unfollowed(session: Session) -> list[Unfollowed]:
    """Return agents to begin with, of all workspaces, some at a time."""
    rows = session.execute(
        select(LiveRevision.agent_id, LiveRevision.environment_id)
        .join(Environment, Environment.id == LiveRevision.environment_id)
        .outerjoin(
            FollowUp,
            and_(FollowUp.agent_id == LiveRevision.agent_id, FollowUp.environment_id == LiveRevision.environment_id),
        )
        .where(Environment.is_production, FollowUp.id.is_(None))
        .limit(_AT_ONCE)
    )
    return [Unfollowed(row.agent_id, row.environment_id) for row in rows]


def begin_follow_up(session: Session, which: Unfollowed, now: datetime) -> str | None:
    """Begin the first week of an agent; return its id. None: another process was first."""
    agent = session.get_one(Agent, which.agent_id)
    live = session.get(LiveRevision, (which.agent_id, which.environment_id))
    if live is None:
        return None
    first = session.scalar(
        select(func.min(Deployment.created_at)).where(
            Deployment.agent_id == agent.id, Deployment.environment_id == which.environment_id
        )
    )
    live_at = min(live.changed_at, first) if first is not None else live.changed_at
    policy = holding_policy(session, agent.workspace_id)[0]
    zone = zone_of(session, agent.workspace_id)
    tier = tier_in(
        session, agent.workspace_id, which.environment_id, revision_body(session, live.revision_id),
        declared=policy.expected_of(agent.slug).risk_tier,
    )  # fmt: skip
    month = live_at + timedelta(days=policy.after.review_first_days)
    today = day_of(live_at, zone)
    made = FollowUp(
        id=ids.new_id("fol"), workspace_id=agent.workspace_id, agent_id=agent.id, environment_id=which.environment_id,
        state="first_week", state_since=live_at, tier=tier.level,
        live_at=live_at, revision_id=live.revision_id, counted_from=today.isoformat(), good_days=0,
        first_review_at=month if month > now else None, due_at=min(ends(today, zone), month),
    )  # fmt: skip
    words = ""
    if live_at < now - _KNOWN:
        words = "It served before days were counted."
    elif rule_of(policy, made).good_days == 0:
        words = "The policy asks for no first week of this tier."
    if words:
        following = now + timedelta(days=policy.after.review_every_days)
        made.state, made.state_since, made.ended_how, made.ended_reason = "routine", now, "skipped", words
        made.next_review_at = following
        made.due_at = min(following, made.first_review_at) if made.first_review_at else following
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        return None
    audit.write(
        session, workspace_id=made.workspace_id, actor=SYSTEM, action="follow_up.begun", object_kind="follow_up",
        object_id=made.id, detail={"agent": agent.slug, "environment": made.environment_id, "state": made.state},
    )  # fmt: skip
    return made.id


def due_follow_ups(session: Session, now: datetime) -> Sequence[str]:
    """Return what is due, the longest due first; nothing of a workspace that is shut."""
    return session.scalars(
        select(FollowUp.id)
        .join(Workspace, Workspace.id == FollowUp.workspace_id)
        .where(FollowUp.due_at <= now, Workspace.suspended_at.is_(None))
        .order_by(FollowUp.due_at, FollowUp.id)
        .limit(_AT_ONCE)
    ).all()


def overdue_reviews(session: Session, now: datetime) -> Sequence[str]:
    """Return the reviews whose time to be done is over, and of which nobody was told."""
    return session.scalars(
        select(Review.id)
        .where(Review.due_at <= now, Review.open_key.is_not(None), Review.overdue_told_at.is_(None))
        .order_by(Review.due_at)
        .limit(_AT_ONCE)
    ).all()


def look_at_follow_up(session: Session, follow_up_id: str, now: datetime) -> bool:
    """Judge the days and make the reviews of one agent that are due. Returns whether anything was."""
    one = session.get(FollowUp, follow_up_id, populate_existing=True)
    if one is None or one.due_at > now:
        return False
    agent = session.get_one(Agent, one.agent_id)
    make_reviews(session, one, agent, now)
    if one.state == "first_week":
        look_at_days(session, one, agent, now)
    return True


def look_at_overdue(session: Session, review_id: str, now: datetime) -> bool:
    """Tell of one review that is overdue."""
    return tell_overdue(session, review_id, now)
