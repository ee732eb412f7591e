"""What only a person does in a first week: say that outputs were read, and end it before its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.deployments.actions import environment_for
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.record import audit
from signoff.releases.follow_up.calendar import begins, closes, day_of, zone_of
from signoff.releases.follow_up.days import change, day_row, end_first_week, look_at_days
from signoff.releases.follow_up.states import Reading
from signoff.tables.agents import Agent
from signoff.tables.follow_ups import FollowUp
from signoff.tables.signals import Signal

# Three to five, as the guide for the first week says; fewer where there are fewer.
SAMPLE_MAX, READ_MIN = 5, 3
_NOTE_CHARS = 2_000


def read_outputs(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    environment: str,
    day: str | None = None,
    reading: Reading,
    runs: Sequence[str],
    note: str = "",
) -> str:
    """Say of a day what reading some of its outputs found; return the day. Until it is judged, the last word holds.

    Args:
        day: today or yesterday, unless yesterday was judged; today when left out.
        runs: the completed runs that were read.

    Raises:
        NotFound: there is no such agent or environment, or it is not followed there.
        NotAllowed: the caller neither answers for the agent nor has the rights of a manager.
        NotNow: it is not in its first week, or nothing can be said of that day any more.
        Malformed: too few runs were read, or some are not of that day; or something is wrong, and not said what.
    """
    one, row = followed(session, principal, agent, environment, "agent.assign")
    now = clock.now()
    zone = zone_of(session, one.workspace_id)
    when = _day(day) if day else day_of(now, zone)
    _refuse_other_days(one, when, closes(when, zone) <= now or when > day_of(now, zone))
    since, until = begins(when, zone), begins(when + timedelta(days=1), zone)
    read = _checked_runs(session, one, list(dict.fromkeys(runs)), since, until)
    words = shortened(storable(note.strip()), _NOTE_CHARS)
    if reading == "wrong" and not words:
        raise Malformed("Say what is wrong.", errors={"note": ["Wanted when something is wrong."]})
    found = day_row(session, one, when)
    found.reading, found.read_runs, found.read_note = reading, read, words or None
    found.read_by, found.read_by_name, found.read_at = principal.id, principal.name, now
    session.flush()
    # From exactly what was read: the engine may be judging this very day.
    change(session, one)
    audit.write(
        session, workspace_id=one.workspace_id, actor=principal.actor, action="follow_up.outputs_read",
        object_kind="follow_up", object_id=one.id,
        detail={"agent": row.slug, "day": when.isoformat(), "reading": reading, "runs": read, "note": words},
    )  # fmt: skip
    look_at_days(session, one, row, now)
    return when.isoformat()


def end_by_hand(session: Session, principal: Principal, agent: str, *, environment: str, reason: str) -> None:
    """End a first week before its time, with a reason.

    Raises:
        NotFound, NotAllowed: as `read_outputs`.
        NotNow: it is not in its first week.
    """
    words = checked_reason(reason)
    one, row = followed(session, principal, agent, environment, "agent.assign")
    if one.state != "first_week":
        raise NotNow(f"{row.slug} is not in its first week in {environment} any more.", code="first_week_over")
    end_first_week(session, one, row, how="ended", by=principal.actor, reason=words, now=clock.now())


def followed(
    session: Session, principal: Principal, agent: str, environment: str, action: Action
) -> tuple[FollowUp, Agent]:
    """Return how an agent is followed in an environment, for someone who may `action`.

    Raises:
        NotFound: there is no such agent or environment, or it does not serve there, or that is no production.
        NotAllowed: the caller may not.
    """
    row = agent_for(session, principal, agent, action)
    place = environment_for(session, principal, environment)
    authorize(principal, action, owners=(row.owner_id, row.backup_id), agent_id=row.id, environment_id=place.id)
    one = session.scalar(
        select(FollowUp)
        .where(FollowUp.agent_id == row.id, FollowUp.environment_id == place.id)
        .execution_options(populate_existing=True)
    )
    if one is None or principal.environment_id not in (None, place.id):
        raise NotFound(f"{row.slug} is not followed in {place.slug}: that begins when it first serves a production.")
    return one, row


def completed_runs(session: Session, one: FollowUp, since: datetime, until: datetime) -> list[str]:
    """Return some completed runs of a stretch of time, as if at random, and the same each time one asks."""
    # The ends of ids are random; so their order is by chance, and settled.
    return list(
        session.scalars(
            select(Signal.run_id)
            .where(*of_day(one, since, until))
            .order_by(func.substr(Signal.run_id, 20), Signal.run_id)
            .limit(SAMPLE_MAX)
        )
    )


def of_day(one: FollowUp, since: datetime, until: datetime) -> list[ColumnElement[bool]]:
    """Return what bounds the completed real runs of an agent that ended between two moments."""
    return [
        Signal.workspace_id == one.workspace_id, Signal.ended_at >= since, Signal.ended_at < until,
        Signal.agent_id == one.agent_id, Signal.environment_id == one.environment_id, Signal.mode == "live",
        Signal.origin == "production", Signal.status == "completed",
    ]  # fmt: skip


def _checked_runs(session: Session, one: FollowUp, runs: list[str], since: datetime, until: datetime) -> list[str]:
    wanted = of_day(one, since, until)
    there = session.scalar(select(func.count()).select_from(Signal).where(*wanted)) or 0
    known = set(session.scalars(select(Signal.run_id).where(*wanted, Signal.run_id.in_(runs))))
    if strange := [run for run in runs if run not in known]:
        words = f"{strange[0]} is no completed run of that day."
        raise Malformed(words, errors={"runs": [words]})
    least = min(READ_MIN, int(there))
    if len(runs) < least:
        words = f"Read at least {least} of the {there} runs that completed that day."
        raise Malformed(words, errors={"runs": [words]})
    return runs


def _refuse_other_days(one: FollowUp, when: date, is_other: bool) -> None:
    if one.state != "first_week":
        raise NotNow("It is not in its first week any more.", code="first_week_over")
    judged = one.judged_until is not None and when.isoformat() <= one.judged_until
    if is_other or judged or when.isoformat() < one.counted_from:
        raise NotNow(
            f"Nothing can be said of {when} any more, or not yet: it is judged, not begun, or was too long ago.",
            code="day_over",
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("A day is written like 2026-11-28.", errors={"day": ["like 2026-11-28"]}) from error
