"""What time brings to a request that waits: reminders, the next rung, the deadline.

Asked for by every worker for each request whose `next_at` has come, and harmless when many do: whoever holds the run
looks, moves `next_at` on, and who comes after finds nothing due.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.actions.expire import expire
from signoff.approvals.actions.moves import case_of_row
from signoff.approvals.actions.request import add_recipients, relieve
from signoff.approvals.actions.withdraw import withdraw
from signoff.approvals.people import asked_at_level
from signoff.approvals.rungs import rungs_of
from signoff.approvals.states import is_open
from signoff.approvals.working_time import Shift, after_working_minutes
from signoff.kit import clock
from signoff.record import audit, outbox, trace
from signoff.record.actor import SYSTEM
from signoff.runs.states import RunState, is_over
from signoff.tables.approvals import Approval, ApprovalRecipient
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import Member, Person
from signoff.tables.runs import Run

REMINDED = "approval.reminded"
ESCALATED = "approval.escalated"
DUE_MAX = 200
# So long the withdrawal that belongs to a run's end may still be on its way.
LEFT_OVER_AFTER_SECONDS = 60


def due(session: Session) -> list[str]:
    """Return requests that have to be looked at now, the longest due first; at most 200."""
    found = select(Approval.id).where(Approval.state == "pending", Approval.next_at <= clock.now())
    return list(session.scalars(found.order_by(Approval.next_at, Approval.id).limit(DUE_MAX)))


def left_over(session: Session) -> list[str]:
    """Return requests that still wait though their run has been over for a while; at most 200.

    A run's end withdraws what it asked, in a message or a step of its own; a crash between the two leaves these.
    """
    found = (
        select(Approval.id)
        .join(Run, Run.id == Approval.run_id)
        .where(
            Approval.state == "pending",
            Run.state.in_([one for one in get_args(RunState) if is_over(one)]),
            Run.ended_at < clock.now() - timedelta(seconds=LEFT_OVER_AFTER_SECONDS),
        )
    )
    return list(session.scalars(found.order_by(Approval.id).limit(DUE_MAX)))


def withdraw_left_over(session: Session, approval_id: str) -> bool:
    """Withdraw a request whose run is over. False when it was answered or withdrawn, or its run goes on."""
    row = session.scalar(select(Approval).where(Approval.id == approval_id))
    if row is None:
        return False
    trace.take_turn(session, row.run_id)
    session.refresh(row)
    run = session.get_one(Run, row.run_id, populate_existing=True)
    return is_over(run.state) and withdraw(session, row, reason=f"its run is {run.state}")


def look_again(session: Session, approval_id: str) -> bool:
    """Do what is due for a request. False when nothing is: it was answered, or somebody looked before."""
    row = session.scalar(select(Approval).where(Approval.id == approval_id))
    if row is None:
        return False
    # Before the request and the audit, as everything else that changes a run.
    trace.take_turn(session, row.run_id)
    session.refresh(row)
    moment = clock.now()
    if not is_open(row.state) or row.next_at is None or moment < row.next_at:
        return False
    run = session.get_one(Run, row.run_id, populate_existing=True)
    if is_over(run.state):
        return withdraw(session, row, reason=f"its run is {run.state}")
    if row.deadline_at is not None and moment >= row.deadline_at:
        return expire(session, row.id)
    rule = Gate.model_validate(row.rule)
    rung_at = _climb(session, row, rule, moment)
    reminder_at = _remind(session, row, rule, moment)
    upcoming = [one for one in (rung_at, reminder_at, row.deadline_at) if one is not None]
    session.execute(
        update(Approval)
        .where(Approval.id == row.id, Approval.state == "pending")
        .values(next_at=min(upcoming) if upcoming else None)
        .execution_options(synchronize_session="fetch")
    )
    return True


def _climb(session: Session, row: Approval, rule: Gate, moment: datetime) -> datetime | None:
    """Ask those of every rung whose time has come; return when the next one comes."""
    rungs = rungs_of(rule)
    while row.level < len(rungs):
        rung = rungs[row.level]
        at = row.created_at + timedelta(minutes=rung.after_minutes)
        if rung.in_working_hours:
            at = after_working_minutes(row.created_at, rung.after_minutes, _shifts(session, row))
        if at > moment:
            return at
        row.level += 1
        asked = asked_at_level(session, rule, case_of_row(row), row.level)
        new = add_recipients(session, row, asked, level=row.level, moment=moment)
        if not new:
            # Nobody on that seat, or they are asked already: nothing changed for anybody.
            continue
        relieve(session, row)
        audit.write(
            session, workspace_id=row.workspace_id, actor=SYSTEM, action="approval.escalated", object_kind="approval",
            object_id=row.id, run_id=row.run_id, revision_id=row.revision_id,
            detail={"gate": row.gate, "level": row.level, "asked": new},
        )  # fmt: skip
        told = {"approval": row.id, "level": row.level}
        outbox.send(session, workspace_id=row.workspace_id, kind=ESCALATED, payload=told)
    return None


def _remind(session: Session, row: Approval, rule: Gate, moment: datetime) -> datetime | None:
    """Have those asked reminded once, however many reminders were missed; return when the next one comes."""
    times = [row.created_at + timedelta(minutes=minutes) for minutes in sorted(rule.reminders)]
    come = sum(at <= moment for at in times)
    if come > row.reminded:
        row.reminded = come
        told = {"approval": row.id, "number": come}
        outbox.send(session, workspace_id=row.workspace_id, kind=REMINDED, payload=told)
    return times[come] if come < len(times) else None


def _shifts(session: Session, row: Approval) -> Sequence[Shift]:
    """Return when those who are asked work, as their seats of this agent say; seats that say nothing are left out."""
    found = session.execute(
        select(AgentOwner.hours, AgentOwner.time_zone, Person.time_zone)
        .join(ApprovalRecipient, ApprovalRecipient.member_id == AgentOwner.member_id)
        .join(Member, Member.id == AgentOwner.member_id)
        .join(Person, Person.id == Member.person_id)
        .where(
            ApprovalRecipient.approval_id == row.id, AgentOwner.agent_id == row.agent_id, AgentOwner.state != "declined"
        )
    )
    return [Shift(hours, seat_zone or zone or "UTC") for hours, seat_zone, zone in found if hours]
