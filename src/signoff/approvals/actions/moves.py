"""The one way a request ends: a conditional update, what its run is told, and a message for whoever tells people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.actions.said import Said
from signoff.approvals.binding import value_hash
from signoff.approvals.outside import tell_event
from signoff.approvals.people import Case
from signoff.approvals.rights import ended
from signoff.approvals.states import ApprovalState, is_open
from signoff.kit import clock
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.record import outbox, trace
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.runs.actions import answer_hold
from signoff.tables.approvals import Approval, ApprovalRecipient, Endorsement
from signoff.tables.runs import Run
from signoff.tables.upsert import insert_into

ANSWERED = "approval.answered"
DENIED_AGAIN = "approval_denied_again"


def end(
    session: Session,
    principal: Principal,
    row: Approval,
    run: Run,
    state: ApprovalState,
    said: Said,
    *,
    via: str,
    moment: datetime,
) -> bool:
    """End a request as somebody said; return whether its run goes on by that. The caller holds the run.

    Raises:
        NotNow: somebody was first.
    """
    values: dict[str, Any] = {
        "decided_by": principal.id, "decided_by_name": principal.name, "decision": said.decision or None,
        "reason": said.reason, "reason_code": said.reason_code, "via": via[:32],
    }  # fmt: skip
    if said.binding is not None:
        values["binding"] = said.binding
    if not move(session, row, state, moment=moment, **values):
        raise refused_late(row)
    if said.endorsed:
        _endorse(session, row, principal, said, moment)
    answer = _answer(session, row, state, said)
    settle_step(session, row, answer)
    return answer_hold(session, run, leg=row.leg, call_id=row.call_id, answer=answer)


def move(session: Session, row: Approval, state: ApprovalState, *, moment: datetime, **values: Any) -> bool:
    """Move a request that waits to `state`, and close it to everybody. False when somebody was first."""
    changed = session.execute(
        update(Approval)
        .where(Approval.id == row.id, Approval.state == "pending")
        .values(state=state, decided_at=moment, next_at=None, **values)
        .execution_options(synchronize_session=False)
    )
    session.refresh(row)
    if not isinstance(changed, CursorResult) or changed.rowcount != 1:
        return False
    close_recipients(session, row.id)
    tell(session, row)
    tell_event(session, row)
    # Asked for or not: an alert that it waits for nobody is over.
    if row.is_degraded:
        ask_to_resolve(session, row.workspace_id, key=f"approval:{row.id}")
    return True


def close_recipients(session: Session, approval_id: str, *, member_id: str | None = None) -> None:
    """Note that nobody's answer counts any more; or only that of one member."""
    closing = update(ApprovalRecipient).where(
        ApprovalRecipient.approval_id == approval_id, ApprovalRecipient.is_open.is_(True)
    )
    if member_id is not None:
        closing = closing.where(ApprovalRecipient.member_id == member_id)
    session.execute(closing.values(is_open=False).execution_options(synchronize_session="fetch"))


def tell(session: Session, row: Approval) -> None:
    """Have whoever tells people look at the request: it was answered, voted on, or withdrawn."""
    outbox.send(session, workspace_id=row.workspace_id, kind=ANSWERED, payload={"approval": row.id})


def settle_step(session: Session, row: Approval, answer: Mapping[str, Any]) -> None:
    """Write on the call's step what came of it, where it is not made again."""
    key, words = f"{row.run_id}:{row.call_id}", answer.get("reason")
    match answer["outcome"]:
        case "answered":
            kept: dict[str, Any] = {"kind": "value", "reason": None, "code": None, "hold": None}
            trace.settle_step(
                session, run_id=row.run_id, key=key, state="completed", reason=words, response=answer.get("value"),
                detail={"outcome": kept, "approval": row.id},
            )  # fmt: skip
        case "denied" | "denied_final" | "expired" | "expired_final":
            code = answer["code"]
            kept = {"kind": "failed", "reason": words, "code": code, "hold": None}
            trace.settle_step(
                session, run_id=row.run_id, key=key, state="refused", code=code, reason=words,
                detail={"outcome": kept, "approval": row.id},
            )  # fmt: skip
        case _:
            return


def is_past(row: Approval) -> bool:
    """Return whether the deadline is over, so that no answer counts; one that goes on waiting takes them still."""
    return row.deadline_at is not None and row.rule.get("on_deadline") != "wait" and clock.now() >= row.deadline_at


def refused_late(row: Approval) -> NotNow:
    """Return the refusal for an answer that came too late: who was first, and when."""
    at = row.decided_at.isoformat() if row.decided_at else None
    return NotNow(
        f"{ended(row)} Nothing was changed.",
        code="answered_already" if not is_open(row.state) else "deadline_passed",
        extra={"state": row.state, "by": row.decided_by_name, "at": at}
        | ({"reason": row.reason} if row.state == "withdrawn" else {}),
    )


def case_of_row(row: Approval) -> Case:
    """Return what decides who may not answer."""
    return Case(row.workspace_id, row.agent_id, row.revision_id, row.environment_id, row.run_requested_by)


def _answer(session: Session, row: Approval, state: ApprovalState, said: Said) -> dict[str, Any]:
    by = {"by": row.decided_by_name, "approval": row.id}
    if state == "approved":
        amount = {"amount_usd": said.decision["amount_usd"]} if "amount_usd" in said.decision else {}
        return {"outcome": "approved", "args": said.args, **amount, **by}
    if state == "answered":
        return {"outcome": "answered", "value": said.value, "reason": said.reason, **by}
    return {**_denied(session, row, said), **by}


def _denied(session: Session, row: Approval, said: Said) -> dict[str, Any]:
    why = ": ".join(one for one in (said.reason_code, said.reason) if one) or "no reason was given"
    words = f"{row.decided_by_name} denied this: {why}"
    number = session.scalar(
        select(func.count()).where(
            Approval.run_id == row.run_id, Approval.gate == row.gate, Approval.state == "denied",
        )
    )  # fmt: skip
    most = Gate.model_validate(row.rule).denials_max
    if row.kind != "approval" or (number or 0) < most:
        return {"outcome": "denied", "reason": words, "code": "denied"}
    ask_for_alert(
        session, row.workspace_id, key=f"denied:{row.run_id}", kind=DENIED_AGAIN,
        text=f"{row.agent_name} was denied {number} times at the gate {row.gate}, so run {row.run_id} ends. "
        f"The last reason: {why}",
        detail={"approval": row.id, "run": row.run_id, "agent": row.agent_id}, agent_id=row.agent_id,
    )  # fmt: skip
    times = "once" if most == 1 else f"{most} times"
    return {
        "outcome": "denied_final",
        "code": "denied",
        "reason": f"Calls of the gate {row.gate} were denied {times}. {words}",
    }


def _endorse(session: Session, row: Approval, principal: Principal, said: Said, moment: datetime) -> None:
    adding = insert_into(session, Endorsement)
    for _, value in said.endorsed:
        session.execute(
            adding.values(
                run_id=row.run_id, value_hash=value_hash(value), workspace_id=row.workspace_id, value=value,
                approval_id=row.id, by=principal.id, by_name=principal.name, at=moment,
            ).on_conflict_do_nothing(index_elements=["run_id", "value_hash"])
        )  # fmt: skip
