"""Judging the days of a first week, counting the good ones, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record import audit
from signoff.record.actor import SYSTEM, Actor
from signoff.releases.follow_up.calendar import begins, closes, day_of, ends, zone_of
from signoff.releases.follow_up.checklist import BAD_DAY, gather, measured_items, read_item
from signoff.releases.follow_up.states import EndedHow, good_in_row, verdict_of
from signoff.releases.refusals import ReleaseMoved
from signoff.tables.agents import Agent
from signoff.tables.deployments import LiveRevision
from signoff.tables.follow_ups import FollowUp, FollowUpDay
from signoff.watch.actions import raise_alert, resolve_by_key
from signoff.watch.probes.follow_policy import FirstWeekRule
from signoff.watch.probes.policies import holding_policy
from signoff.watch.probes.policy import Policy

DAYS_MAX = 400


def look_at_days(session: Session, one: FollowUp, agent: Agent, now: datetime) -> None:
    """Judge the days that are over, and end the first week when enough were good in a row."""
    zone = zone_of(session, one.workspace_id)
    policy = holding_policy(session, one.workspace_id)[0]
    rule = rule_of(policy, one)
    follow_serving(session, one, zone)
    day = _next_day(one)
    while ends(day, zone) <= now:
        if not _judge(session, one, agent, day, zone, policy, now):
            break
        day += timedelta(days=1)
        if one.good_days >= rule.good_days:
            words = f"{one.good_days} good days in a row."
            end_first_week(session, one, agent, how="graduated", by=SYSTEM, reason=words, now=now)
            return
    # A day that waits for a person is looked at again when it closes, or when they have said so.
    change(session, one, due_at=ends(day, zone) if ends(day, zone) > now else closes(day, zone))


def rule_of(policy: Policy, one: FollowUp) -> FirstWeekRule:
    """Return how this first week ends."""
    return policy.after.week_of(one.tier)  # pyright: ignore[reportArgumentType]  # As it was computed.


def follow_serving(session: Session, one: FollowUp, zone: ZoneInfo) -> None:
    """Begin the count anew where another revision serves since: good days of the one before say nothing of it."""
    live = session.get(LiveRevision, (one.agent_id, one.environment_id), populate_existing=True)
    if live is None or live.revision_id == one.revision_id:
        return
    since = day_of(live.changed_at, zone).isoformat()
    change(session, one, revision_id=live.revision_id, counted_from=since, good_days=0)
    _write(session, one, SYSTEM, "follow_up.counted_anew", {"revision": live.revision_id, "from": since})


def end_first_week(
    session: Session, one: FollowUp, agent: Agent, *, how: EndedHow, by: Actor, reason: str, now: datetime
) -> None:
    """From now on it is looked at each week."""
    every = holding_policy(session, one.workspace_id)[0].after.review_every_days
    following = now + timedelta(days=every)
    change(
        session, one, state="routine", state_since=now, ended_how=how, ended_reason=reason, ended_by=by.id,
        ended_by_name=by.name, next_review_at=following,
        due_at=min(following, one.first_review_at) if one.first_review_at else following,
    )  # fmt: skip
    action = "follow_up.graduated" if how == "graduated" else "follow_up.ended"
    _write(session, one, by, action, {"agent": agent.slug, "reason": reason, "good_days": one.good_days})
    resolve_by_key(session, one.workspace_id, _key(one))


def change(session: Session, one: FollowUp, **values: Any) -> None:
    """Change a follow-up from exactly what was read; it is refreshed.

    Raises:
        ReleaseMoved: the engine or a person changed it first; nothing was changed.
    """
    changed = session.execute(
        update(FollowUp)
        .where(FollowUp.id == one.id, FollowUp.version == one.version)
        .values(**values, version=FollowUp.version + 1)
        .returning(FollowUp.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(one)
    if len(changed) != 1:
        raise ReleaseMoved("It was looked at meanwhile. Look again, then decide.", extra={"version": one.version})


def day_row(session: Session, one: FollowUp, day: date) -> FollowUpDay:
    """Return the row of a day; a new one where there is none yet."""
    row = session.get(FollowUpDay, (one.id, day.isoformat()), populate_existing=True)
    if row is None:
        row = FollowUpDay(
            follow_up_id=one.id, day=day.isoformat(), workspace_id=one.workspace_id, items=[], read_runs=[], runs=0,
            good_days=0,
        )  # fmt: skip
        session.add(row)
        session.flush()
    return row


def days_before(session: Session, one: FollowUp, day: date) -> Sequence[FollowUpDay]:
    """Return the days that count and were judged before one, the oldest first."""
    return session.scalars(
        select(FollowUpDay)
        .where(
            FollowUpDay.follow_up_id == one.id, FollowUpDay.day >= one.counted_from,
            FollowUpDay.day < day.isoformat(), FollowUpDay.verdict.is_not(None),
        )
        .order_by(FollowUpDay.day.desc())
        .limit(DAYS_MAX)
    ).all()[::-1]  # fmt: skip


def _judge(
    session: Session, one: FollowUp, agent: Agent, day: date, zone: ZoneInfo, policy: Policy, now: datetime
) -> bool:
    """Judge a day that is over. Returns False while somebody may still say that its outputs are right."""
    rule = rule_of(policy, one)
    row = day_row(session, one, day)
    earlier = days_before(session, one, day)
    facts = gather(
        session, one, earlier, since=begins(day, zone), until=begins(day + timedelta(days=1), zone), now=now,
        expected_runs=policy.expected_of(agent.slug).runs_per_day,
    )  # fmt: skip
    items = measured_items(facts, policy)
    reading: Any = row.reading
    verdict = verdict_of(
        facts.figures.runs, items, reading=reading, is_read=rule.is_read, is_closed=closes(day, zone) <= now
    )
    items.append(read_item(row.reading, row.read_by_name, row.read_note, is_read=rule.is_read))
    row.items, row.runs = [asdict(item) for item in items], facts.figures.runs
    row.needed_input_percent = facts.figures.needed_input_percent
    row.cost_usd, row.seconds = facts.figures.cost_per_run_usd, facts.figures.seconds
    if verdict is None:
        session.flush()
        return False
    before: list[Any] = [each.verdict for each in earlier]
    row.verdict, row.judged_at = verdict, clock.now()
    row.good_days = good_in_row([*before, verdict])
    session.flush()
    change(session, one, judged_until=day.isoformat(), good_days=row.good_days)
    _write(session, one, SYSTEM, "follow_up.day_judged", {"day": day.isoformat(), "verdict": verdict})
    _tell(session, one, agent, row, wanted=rule.good_days)
    return True


def _tell(session: Session, one: FollowUp, agent: Agent, row: FollowUpDay, *, wanted: int) -> None:
    """Tell of a bad day; a good one ends that."""
    if row.verdict == "good":
        resolve_by_key(session, one.workspace_id, _key(one))
    if row.verdict != "bad":
        return
    why = " ".join(str(item["measured"]) for item in row.items if item["status"] == "false")
    raise_alert(
        session, one.workspace_id, key=_key(one), kind=BAD_DAY, agent_id=one.agent_id,
        detail={"follow_up": one.id, "day": row.day, "owner": agent.owner_id},
        text=f"{row.day} was not a good day of {agent.slug} in its first week: {why} The count of {wanted} good days "
        "in a row begins anew. Look at its page “After release”.",
    )  # fmt: skip


def _next_day(one: FollowUp) -> date:
    if one.judged_until is None:
        return date.fromisoformat(one.counted_from)
    return date.fromisoformat(one.judged_until) + timedelta(days=1)


def _key(one: FollowUp) -> str:
    return f"follow_up:{one.id}:bad_day"


def _write(session: Session, one: FollowUp, by: Actor, action: str, detail: dict[str, Any]) -> None:
    audit.write(
        session, workspace_id=one.workspace_id, actor=by, action=action, object_kind="follow_up", object_id=one.id,
        detail={"agent_id": one.agent_id, "environment": one.environment_id, **detail},
    )  # fmt: skip
