"""Evaluations that nobody asks for each time: what serves by the clock, and each revision as soon as it is frozen."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from signoff.evaluations.actions.request import request_evaluation
from signoff.evaluations.alarms import resolve_not_run, tell_not_run
from signoff.evaluations.calendar import next_time
from signoff.evaluations.limits import checked_cap
from signoff.evaluations.lookup import dataset_for, environment_for
from signoff.evaluations.states import Every, Trigger
from signoff.kit import clock
from signoff.kit.errors import Malformed, Refusal
from signoff.people.access import Principal, authorize
from signoff.people.present import present
from signoff.record import audit
from signoff.tables.agents import Agent
from signoff.tables.evaluations import Dataset
from signoff.tables.people import Workspace

DUE_MAX = 50
HOUR = 3


def set_schedule(
    session: Session,
    principal: Principal,
    dataset_id: str,
    *,
    every: Every | None = None,
    at_hour: int = HOUR,
    is_of_each_revision: bool = False,
    environment: str = "production",
    cap_usd: Decimal | None = None,
) -> None:
    """Have a dataset evaluated by itself, in the name of whoever says so; neither by the clock nor of each revision
    ends that.

    Args:
        every: what serves in `environment` is measured again each day or each Monday, at an hour of the workspace's
            time zone; when it does worse than at first, an alert is raised.
        is_of_each_revision: each revision that is frozen from now on is compared with what serves there.
        cap_usd: what one such evaluation may cost.

    Raises:
        NotFound, NotAllowed, NotNow: there is no such dataset or environment, the caller may not edit the dataset or
            not evaluate its agent, or it is archived.
        Malformed: a field does not fit.
    """
    row, agent = dataset_for(session, principal, dataset_id, "dataset.edit", lock=True)
    place = environment_for(session, principal, environment)
    authorize(
        principal, "evaluation.run", owners=(agent.owner_id, agent.backup_id), agent_id=agent.id,
        environment_id=place.id,
    )  # fmt: skip
    if every not in (None, "day", "week") or not 0 <= at_hour <= 23:
        raise Malformed("It is each day or each week, at an hour from 0 to 23.", errors={"every": ["day or week"]})
    zone = session.get_one(Workspace, row.workspace_id).time_zone
    row.every, row.at_hour, row.is_of_each_revision = every, at_hour, is_of_each_revision
    row.next_at = next_time(every, at_hour, zone, clock.now()) if every else None
    row.revision_seen, row.scheduled_in, row.scheduled_usd = agent.last_revision, place.id, checked_cap(cap_usd)
    row.scheduled_by, row.scheduled_by_name = principal.id, principal.name
    session.flush()
    resolve_not_run(session, row)
    audit.note(
        session, principal, "dataset.scheduled", "dataset", row.id,
        {"every": every, "at_hour": at_hour, "of_each_revision": is_of_each_revision, "environment": place.slug,
         "cap_usd": str(row.scheduled_usd)},
    )  # fmt: skip


def due_datasets(session: Session, now: datetime) -> list[str]:
    """Return the datasets that are to be evaluated by themselves now."""
    by_clock = Dataset.next_at <= now
    by_revision = and_(Dataset.is_of_each_revision.is_(True), Agent.last_revision > Dataset.revision_seen)
    return list(
        session.scalars(
            select(Dataset.id)
            .join(Agent, Agent.id == Dataset.agent_id)
            .where(Dataset.archived_at.is_(None), or_(by_clock, by_revision))
            .order_by(Dataset.id)
            .limit(DUE_MAX)
        )
    )


def evaluate_by_itself(session: Session, dataset_id: str, now: datetime) -> bool:
    """Ask for what is due on a dataset, once: the moment moves on in the same transaction. For the engine."""
    # The agent first, as everywhere: two who take these locks never wait for each other.
    of_it = select(Dataset.agent_id).where(Dataset.id == dataset_id).scalar_subquery()
    agent = session.scalar(
        select(Agent).where(Agent.id == of_it).with_for_update().execution_options(populate_existing=True)
    )
    row = session.scalar(
        select(Dataset).where(Dataset.id == dataset_id).with_for_update().execution_options(populate_existing=True)
    )
    if agent is None or row is None or row.archived_at is not None:
        return False
    asked = False
    if row.next_at is not None and row.next_at <= now and row.every is not None:
        zone = session.get_one(Workspace, row.workspace_id).time_zone
        row.next_at = next_time(row.every, row.at_hour, zone, now)  # pyright: ignore[reportArgumentType]
        session.flush()
        asked = _ask(session, row, agent, None, "schedule")
    if row.is_of_each_revision and agent.last_revision > row.revision_seen:
        # Of several at once the newest: that is the one which will be shipped.
        session.execute(update(Dataset).where(Dataset.id == row.id).values(revision_seen=agent.last_revision))
        asked = _ask(session, row, agent, agent.last_revision, "revision") or asked
    return asked


def _ask(session: Session, row: Dataset, agent: Agent, revision: int | None, trigger: Trigger) -> bool:
    who = present(session, row.workspace_id, row.scheduled_by or "")
    if isinstance(who, str):
        tell_not_run(session, row, agent, f"{row.scheduled_by_name}, in whose name it runs, {who}.")
        return False
    try:
        # A refusal leaves nothing behind: what it checks comes before what it writes.
        request_evaluation(
            session, who, agent.id, row.id, environment=row.scheduled_in or "", revision=revision,
            cap_usd=row.scheduled_usd, trigger=trigger,
        )  # fmt: skip
    except Refusal as refusal:
        tell_not_run(session, row, agent, refusal.detail)
        return False
    resolve_not_run(session, row)
    return True
