"""The deadline of a request: what the gate says happens then."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.actions.moves import move, settle_step
from signoff.approvals.actions.withdraw import withdraw
from signoff.approvals.states import is_open
from signoff.kit import clock
from signoff.record import audit, outbox, trace
from signoff.record.actor import SYSTEM
from signoff.record.alarms import ask_for_alert
from signoff.runs.actions import answer_hold
from signoff.runs.states import is_over
from signoff.tables.approvals import Approval
from signoff.tables.runs import Run

EXPIRED = "approval.expired"
UNANSWERED = "approval_unanswered"


def expire(session: Session, approval_id: str) -> bool:
    """Let a request that is past its deadline end as its gate says. False when it was answered, or is not due.

    `deny`: the agent is told that nobody answered. `fail`: its run ends. `wait`: it goes on waiting, somebody is
    alerted, and an answer still counts.
    """
    row = session.scalar(select(Approval).where(Approval.id == approval_id))
    if row is None:
        return False
    # Before the request and the audit, as everything else that changes a run.
    trace.take_turn(session, row.run_id)
    session.refresh(row)
    moment = clock.now()
    if not is_open(row.state) or row.deadline_at is None or moment < row.deadline_at:
        return False
    run = session.get_one(Run, row.run_id, populate_existing=True)
    if is_over(run.state):
        return withdraw(session, row, reason=f"its run is {run.state}")
    rule = Gate.model_validate(row.rule)
    if rule.on_deadline == "wait":
        return _wait_on(session, row)
    if not move(session, row, "expired", moment=moment, via="deadline"):
        return False
    words = f"Nobody answered until {row.deadline_at:%Y-%m-%d %H:%M} UTC, so this was not done."
    outcome = "expired_final" if rule.on_deadline == "fail" else "expired"
    answer = {"outcome": outcome, "code": "approval_expired", "reason": words, "approval": row.id}
    settle_step(session, row, answer)
    answer_hold(session, run, leg=row.leg, call_id=row.call_id, answer=answer)
    _note(session, row, rule.on_deadline)
    return True


def _wait_on(session: Session, row: Approval) -> bool:
    changed = session.execute(
        update(Approval)
        .where(Approval.id == row.id, Approval.state == "pending", Approval.next_at.is_not(None))
        .values(is_degraded=True, next_at=None)
        .returning(Approval.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(row)
    if not changed:
        return False
    ask_for_alert(
        session, row.workspace_id, key=f"approval:{row.id}", kind=UNANSWERED,
        text=f"Nobody has answered {row.agent_name} in time (gate {row.gate}), and run {row.run_id} goes on waiting.",
        detail={"approval": row.id, "run": row.run_id, "agent": row.agent_id}, agent_id=row.agent_id,
    )  # fmt: skip
    _note(session, row, "wait")
    return True


def _note(session: Session, row: Approval, on_deadline: str) -> None:
    audit.write(
        session, workspace_id=row.workspace_id, actor=SYSTEM, action="approval.expired", object_kind="approval",
        object_id=row.id, run_id=row.run_id, revision_id=row.revision_id,
        detail={"gate": row.gate, "tool": row.tool, "on_deadline": on_deadline},
    )  # fmt: skip
    outbox.send(session, workspace_id=row.workspace_id, kind=EXPIRED, payload={"approval": row.id})
