"""What is told of the time after a release."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can
from signoff.releases.follow_up.calendar import begins, closes, day_of, zone_of
from signoff.releases.follow_up.days import rule_of
from signoff.releases.follow_up.reading import completed_runs, followed, of_day
from signoff.releases.follow_up.views import DayFacts, FollowUpFacts, ReviewFacts, SampleRun, ToRead
from signoff.releases.reach import of_readable_agents
from signoff.tables.agents import Agent
from signoff.tables.follow_ups import FollowUp, FollowUpDay, Review
from signoff.tables.keyset import newest_first
from signoff.tables.people import Environment
from signoff.tables.runs import Run
from signoff.tables.signals import Signal
from signoff.watch.probes.policies import holding_policy

_DAYS_SHOWN = 60
_MINE_MAX = 20


def follow_up(session: Session, viewer: Principal, agent: str, environment: str) -> FollowUpFacts:
    """Return how an agent is followed in an environment.

    Raises:
        NotFound: there is no such agent or environment here, or it never served that production.
    """
    one, row = followed(session, viewer, agent, environment, "agent.read")
    rule = rule_of(holding_policy(session, one.workspace_id)[0], one)
    days = session.scalars(
        select(FollowUpDay)
        .where(FollowUpDay.follow_up_id == one.id)
        .order_by(FollowUpDay.day.desc())
        .limit(_DAYS_SHOWN)
        .execution_options(populate_existing=True)
    ).all()
    state: Any = one.state
    how: Any = one.ended_how
    may = can(viewer, "agent.assign", owners=(row.owner_id, row.backup_id), agent_id=row.id,
              environment_id=one.environment_id)  # fmt: skip
    return FollowUpFacts(
        id=one.id, agent_id=row.id, agent_slug=row.slug,
        environment=session.get_one(Environment, one.environment_id).slug, state=state, state_since=one.state_since,
        tier=one.tier, live_at=one.live_at, counted_from=one.counted_from, good_days=one.good_days,
        good_days_wanted=rule.good_days, is_read=rule.is_read, ended_how=how, ended_reason=one.ended_reason,
        ended_by_name=one.ended_by_name, first_review_at=one.first_review_at, next_review_at=one.next_review_at,
        days=tuple(_day(each, one) for each in days),
        to_read=tuple(_to_read(session, one, {each.day: each for each in days})) if rule.is_read else (),
        can_act=may,
    )  # fmt: skip


def followed_in(session: Session, viewer: Principal, agent: str) -> list[FollowUpFacts]:
    """Return how an agent is followed, in each production environment that it served.

    Raises:
        NotFound: there is no such agent here.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    wanted = select(Environment.slug).join(FollowUp, FollowUp.environment_id == Environment.id)
    if viewer.environment_id:
        wanted = wanted.where(Environment.id == viewer.environment_id)
    slugs = session.scalars(wanted.where(FollowUp.agent_id == row.id).order_by(Environment.position).limit(_MINE_MAX))
    return [follow_up(session, viewer, agent, slug) for slug in slugs.all()]


def reviews_page(
    session: Session,
    viewer: Principal,
    *,
    agent: str | None = None,
    is_open: bool | None = None,
    is_mine: bool = False,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[ReviewFacts]:
    """Return one page of reviews, newest first: of one agent, or of all the viewer may see."""
    wanted = _whole()
    if agent is not None:
        wanted = wanted.where(Review.agent_id == agent_for(session, viewer, agent, "agent.read").id)
    else:
        wanted = wanted.where(*of_readable_agents(viewer, Review.workspace_id))
    if viewer.environment_id:
        wanted = wanted.where(Review.environment_id == viewer.environment_id)
    if is_open is not None:
        wanted = wanted.where(Review.open_key.is_not(None) if is_open else Review.open_key.is_(None))
    if is_mine:
        wanted = wanted.where(Review.assigned_to == viewer.id)
    page = newest_first(session, wanted, Review.id, cursor=cursor, size=size)
    now = clock.now()
    return Page([_review(row, now) for row in page.rows], page.next_cursor, page.previous_cursor)


def review(session: Session, viewer: Principal, review_id: str) -> ReviewFacts:
    """Return one review.

    Raises:
        NotFound: there is no such review here, or it is of an agent the viewer may not see.
    """
    row = session.execute(
        _whole().where(Review.id == review_id, Review.workspace_id == viewer.workspace_id)
    ).one_or_none()
    if row is None or viewer.environment_id not in (None, row.Review.environment_id):
        authorize(viewer, "agent.read")
        raise NotFound("There is no such review in this workspace.")
    agent_for(session, viewer, row.Review.agent_id, "agent.read")
    return _review(row, clock.now())


def _to_read(session: Session, one: FollowUp, days: dict[str, FollowUpDay]) -> list[ToRead]:
    """Return today and yesterday, as far as something can still be said of them, with some runs of each."""
    if one.state != "first_week":
        return []
    now, zone = clock.now(), zone_of(session, one.workspace_id)
    found: list[ToRead] = []
    for back in (0, 1):
        when = day_of(now, zone) - timedelta(days=back)
        text = when.isoformat()
        if text < one.counted_from or text <= (one.judged_until or "") or closes(when, zone) <= now:
            continue
        since, until = begins(when, zone), begins(when + timedelta(days=1), zone)
        ids = completed_runs(session, one, since, until)
        titles = {row.id: row.title for row in session.execute(select(Run.id, Run.title).where(Run.id.in_(ids)))}
        count = session.scalar(select(func.count()).select_from(Signal).where(*of_day(one, since, until))) or 0
        row = days.get(text)
        reading: Any = row.reading if row else None
        runs = tuple(SampleRun(each, titles.get(each) or each) for each in ids)
        found.append(ToRead(text, int(count), runs, reading))
    return found


def _day(row: FollowUpDay, one: FollowUp) -> DayFacts:
    verdict: Any = row.verdict
    reading: Any = row.reading
    return DayFacts(
        row.day, verdict, row.day >= one.counted_from, list(row.items), row.runs, row.good_days, row.judged_at, reading,
        [str(run) for run in row.read_runs], row.read_note, row.read_by_name, row.read_at,
    )  # fmt: skip


def _whole() -> Select[*tuple[Any, ...]]:
    return (
        select(Review, Agent.slug.label("agent_slug"), Agent.name.label("agent_name"),
               Environment.slug.label("environment"))
        .join(Agent, Agent.id == Review.agent_id)
        .join(Environment, Environment.id == Review.environment_id)
        .execution_options(populate_existing=True)
    )  # fmt: skip


def _review(row: Row[*tuple[Any, ...]], now: datetime) -> ReviewFacts:
    made: Review = row.Review
    kind: Any = made.kind
    return ReviewFacts(
        made.id, made.agent_id, row.agent_slug, row.agent_name, row.environment, kind, made.period_from,
        made.period_until, made.metrics, made.assigned_to, made.assigned_to_name, made.made_at, made.due_at,
        made.done_at is None and made.due_at <= now, made.note, made.done_by_name, made.done_at,
    )  # fmt: skip
