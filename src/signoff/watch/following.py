"""How an agent is followed in production, in sentences for its runbook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.tables.deployments import LiveRevision
from signoff.tables.follow_ups import FollowUp, Review
from signoff.tables.people import Environment
from signoff.watch.probes.evidence import Tier
from signoff.watch.probes.policies import holding_policy

_PLACES_MAX = 20
_REVIEWS_MAX = 20


def following_lines(session: Session, agent_id: str) -> Iterator[str]:
    """Return the sentences; the caller has checked whose agent it is."""
    rows = session.execute(
        select(FollowUp, Environment.slug)
        .join(Environment, Environment.id == FollowUp.environment_id)
        .where(FollowUp.agent_id == agent_id)
        .order_by(Environment.position, Environment.id)
        .limit(_PLACES_MAX)
    ).all()
    if not rows and _serves_production(session, agent_id):
        yield "It has just begun to serve production: its first week is counted from the engine's next look on."
    elif not rows:
        yield "It has not served production yet. When it first does, its days are looked at until enough were good."
    for one, place in rows:
        if one.state == "first_week":
            rule = holding_policy(session, one.workspace_id)[0].after.week_of(cast("Tier", one.tier))
            yield (
                f"In {place} it is in its first week: {one.good_days} of {rule.good_days} good days in a row, counted "
                f"from {one.counted_from}. Each day its outputs are read, and the page “After release” says what is so."
            )
        else:
            yield f"In {place} it is in routine since {one.state_since:%Y-%m-%d}: {one.ended_reason}"
        if one.next_review_at is not None:
            yield f"Its next weekly review in {place} is made on {one.next_review_at:%Y-%m-%d}."
        if one.first_review_at is not None:
            yield f"The review of its first month in {place} is made on {one.first_review_at:%Y-%m-%d}."
    reviews = session.scalars(
        select(Review)
        .where(Review.agent_id == agent_id, Review.open_key.is_not(None))
        .order_by(Review.id)
        .limit(_REVIEWS_MAX)
    )
    for review in reviews:
        who = review.assigned_to_name or "whoever answers for it"
        yield f"A review is to be done by {who} until {review.due_at:%Y-%m-%d}."


def _serves_production(session: Session, agent_id: str) -> bool:
    found = (
        select(LiveRevision.revision_id)
        .join(Environment, Environment.id == LiveRevision.environment_id)
        .where(LiveRevision.agent_id == agent_id, Environment.is_production)
    )
    return session.scalar(found.limit(1)) is not None
