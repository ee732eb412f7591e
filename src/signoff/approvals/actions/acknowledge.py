"""Saying that a request which waits for nobody is seen to."""

from __future__ import annotations

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from signoff.approvals.rights import may_assign, not_allowed, visible
from signoff.kit.errors import NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.record import audit, trace
from signoff.record.alarms import ask_to_resolve
from signoff.tables.approvals import Approval, ApprovalRecipient


def acknowledge(session: Session, principal: Principal, approval_id: str) -> None:
    """Say that somebody sees to a request that is degraded; its alert is over, and it goes on waiting.

    Raises:
        NotFound: the caller has no such request.
        NotAllowed: the caller is neither asked nor may assign.
        NotNow: it is not degraded, or somebody was first.
    """
    authorize(principal, "approval.read")
    row = session.scalar(select(Approval).where(Approval.id == approval_id, *visible(principal)))
    if row is None:
        raise NotFound("There is no such request in this workspace.")
    trace.take_turn(session, row.run_id)
    mine = session.get(ApprovalRecipient, (row.id, principal.member_id or ""))
    if not may_assign(principal, row, is_asked=mine is not None and mine.is_open):
        sentence = "You are not asked, and may not give requests to others. A manager can."
        raise not_allowed(principal, sentence, "not_allowed", required="approval.assign")
    changed = session.execute(
        update(Approval)
        .where(Approval.id == row.id, Approval.state == "pending", Approval.is_degraded.is_(True))
        .values(is_degraded=False)
        .execution_options(synchronize_session="fetch")
    )
    if not isinstance(changed, CursorResult) or changed.rowcount != 1:
        raise NotNow("Nothing is to acknowledge here: it was answered, or somebody sees to it already.")
    ask_to_resolve(session, row.workspace_id, key=f"approval:{row.id}")
    audit.write(
        session, workspace_id=row.workspace_id, actor=principal.actor, action="approval.acknowledged",
        object_kind="approval", object_id=row.id, run_id=row.run_id, revision_id=row.revision_id,
        detail={"gate": row.gate},
    )  # fmt: skip
