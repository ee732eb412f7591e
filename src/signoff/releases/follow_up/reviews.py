"""Reviews: made when due with the figures as they are then, told when overdue, done by a person with a note."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.kit import clock, ids
from signoff.kit.errors import NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.record.actor import SYSTEM, Actor
from signoff.releases.follow_up.checklist import OVERDUE
from signoff.releases.follow_up.days import change
from signoff.releases.follow_up.figures import Figures, figures_of
from signoff.releases.follow_up.states import ReviewKind
from signoff.tables.agents import Agent
from signoff.tables.follow_ups import FollowUp, Review
from signoff.tables.people import Member, Person
from signoff.watch.actions import raise_alert, resolve_by_key
from signoff.watch.probes.follow_policy import AfterPolicy
from signoff.watch.probes.policies import holding_policy

WORDS: dict[ReviewKind, str] = {"first": "first review", "weekly": "weekly review"}


def make_reviews(session: Session, one: FollowUp, agent: Agent, now: datetime) -> None:
    """Make the reviews that are due, and say when the next is."""
    policy = holding_policy(session, one.workspace_id)[0]
    after, expected = policy.after, policy.expected_of(agent.slug).runs_per_day
    values: dict[str, Any] = {}
    if one.first_review_at is not None and one.first_review_at <= now:
        _make(session, one, agent, "first", one.live_at, now, after=after, expected=expected)
        values["first_review_at"] = None
    if one.next_review_at is not None and one.next_review_at <= now:
        # From where the one before it left off, however late the engine is: no run is left out.
        since = one.next_review_at - timedelta(days=after.review_every_days)
        _make(session, one, agent, "weekly", since, now, after=after, expected=expected)
        values["next_review_at"] = now + timedelta(days=after.review_every_days)
    if not values:
        return
    following = {"first_review_at": one.first_review_at, "next_review_at": one.next_review_at, **values}
    moments = [moment for moment in following.values() if moment is not None]
    # During the first week the days say when it is looked at next.
    change(session, one, **values, due_at=min(moments, default=now))


def tell_overdue(session: Session, review_id: str, now: datetime) -> bool:
    """Raise the alert of a review that nobody did in time, once."""
    told = session.execute(
        update(Review)
        .where(Review.id == review_id, Review.open_key.is_not(None), Review.overdue_told_at.is_(None),
               Review.due_at <= now)
        .values(overdue_told_at=now)
        .returning(Review.id)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    if len(told) != 1:
        return False
    row = session.get_one(Review, review_id, populate_existing=True)
    agent = session.get_one(Agent, row.agent_id)
    who = row.assigned_to_name or "nobody yet: the agent has no owner"
    raise_alert(
        session, row.workspace_id, key=f"review:{row.id}", kind=OVERDUE, agent_id=row.agent_id,
        detail={"review": row.id, "kind": row.kind, "assigned_to": row.assigned_to},
        text=f"The {_words(row)} of {agent.slug} was due on {row.due_at:%Y-%m-%d}, assigned to {who}. Look at its "
        "figures on the page “After release”, and say what you found.",
    )  # fmt: skip
    return True


def do_review(session: Session, principal: Principal, review_id: str, *, note: str) -> None:
    """Say what came of a review; it is done.

    Raises:
        NotFound: there is no such review here.
        NotAllowed: the caller neither answers for the agent nor has the rights of a manager.
        NotNow: it was done already.
    """
    row = session.scalar(
        select(Review).where(Review.id == review_id, Review.workspace_id == principal.workspace_id)
    )  # fmt: skip
    if row is None or principal.environment_id not in (None, row.environment_id):
        authorize(principal, "agent.assign")
        raise NotFound("There is no such review in this workspace.")
    agent = agent_for(session, principal, row.agent_id, "agent.assign")
    owners = (agent.owner_id, agent.backup_id, row.assigned_to)
    authorize(principal, "agent.assign", owners=owners, agent_id=agent.id, environment_id=row.environment_id)
    words = checked_reason(note)
    done = session.execute(
        update(Review)
        .where(Review.id == row.id, Review.open_key.is_not(None))
        .values(open_key=None, note=words, done_by=principal.id, done_by_name=principal.name, done_at=clock.now())
        .returning(Review.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(row)
    if len(done) != 1:
        raise NotNow(f"This review was done already, by {row.done_by_name}.", code="review_done")
    _write(session, row, principal.actor, "review.done", {"note": words})
    resolve_by_key(session, row.workspace_id, f"review:{row.id}")


def _make(
    session: Session,
    one: FollowUp,
    agent: Agent,
    kind: ReviewKind,
    since: datetime,
    now: datetime,
    *,
    after: AfterPolicy,
    expected: int | None,
) -> None:
    name = _name_of(session, agent.owner_id)
    row = Review(
        id=ids.new_id("rvw"), workspace_id=one.workspace_id, agent_id=one.agent_id, environment_id=one.environment_id,
        kind=kind, open_key=f"{one.agent_id}:{one.environment_id}:{kind}", period_from=since, period_until=now,
        metrics=_metrics(session, one, kind, since, now, expected), assigned_to=agent.owner_id, assigned_to_name=name,
        made_at=now, due_at=now + timedelta(days=after.review_within_days),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return  # The one before it is not done yet: it is overdue, and that is told.
    _write(session, row, SYSTEM, "review.made", {"kind": kind, "agent": agent.slug, "assigned_to": agent.owner_id})


def _metrics(
    session: Session, one: FollowUp, kind: ReviewKind, since: datetime, now: datetime, expected: int | None
) -> dict[str, Any]:
    """Return the figures of the time looked back on, and those to compare them with: of a week the one before it, of
    the month its first week."""
    week = timedelta(days=7)
    before = (one.live_at, min(one.live_at + week, now)) if kind == "first" else (since - (now - since), since)
    days = max((now - since).total_seconds() / 86_400, 1.0)
    found = figures_of(session, one, since, now)
    return {
        **_plain(found),
        "days": round(days, 1),
        "runs_per_day": round(found.runs / days, 2),
        "runs_per_day_expected": expected,
        "before": {**_plain(figures_of(session, one, *before)), "from": before[0].isoformat(),
                   "until": before[1].isoformat()},
    }  # fmt: skip


def _plain(one: Figures) -> dict[str, Any]:
    return {
        "runs": one.runs, "completed": one.completed, "failed": one.errors, "needed_input": one.needed_input,
        "error_percent": _round(one.error_percent), "needed_input_percent": _round(one.needed_input_percent),
        "denied_percent": _round(one.denied_percent), "approvals_asked": one.approvals_asked,
        "approvals_denied": one.approvals_denied, "cost_usd": str(one.cost_usd),
        "cost_per_run_usd": _round(one.cost_per_run_usd, 6), "seconds_mean": _round(one.seconds),
        "seconds_max": _round(one.seconds_max), "tool_calls": one.tool_calls,
    }  # fmt: skip


def _round(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


def _name_of(session: Session, member_id: str | None) -> str | None:
    if member_id is None:
        return None
    return session.scalar(
        select(Person.name).join(Member, Member.person_id == Person.id).where(Member.id == member_id)
    )  # fmt: skip


def _words(row: Review) -> str:
    return WORDS["first" if row.kind == "first" else "weekly"]


def _write(session: Session, row: Review, by: Actor, action: str, detail: dict[str, Any]) -> None:
    audit.write(
        session, workspace_id=row.workspace_id, actor=by, action=action, object_kind="review", object_id=row.id,
        detail={"agent_id": row.agent_id, "environment": row.environment_id, **detail},
    )  # fmt: skip
