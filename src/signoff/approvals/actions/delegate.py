"""Giving a request to somebody else."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.actions.moves import case_of_row, close_recipients, refused_late
from signoff.approvals.actions.request import REQUESTED, add_recipients, relieve
from signoff.approvals.people import Asked, fit_to_decide, may_decide
from signoff.approvals.rights import may_assign, not_allowed, visible
from signoff.approvals.states import is_open
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import shortened, storable
from signoff.people.access import Principal, authorize
from signoff.record import audit, outbox, trace
from signoff.tables.approvals import Approval, ApprovalRecipient

_REASON_CHARS = 500


def delegate(session: Session, principal: Principal, approval_id: str, *, to_member_id: str, reason: str) -> None:
    """Have somebody else asked. Who is asked gives away their own place; who may assign adds one.

    Raises:
        NotFound: the caller has no such request.
        NotAllowed: the caller is neither asked nor may assign.
        NotNow: it has ended, or they are asked already.
        Malformed: no reason; or the other is no member who may answer it.
    """
    authorize(principal, "approval.read")
    row = session.scalar(select(Approval).where(Approval.id == approval_id, *visible(principal)))
    if row is None:
        raise NotFound("There is no such request in this workspace.")
    trace.take_turn(session, row.run_id)
    session.refresh(row)
    if not is_open(row.state):
        raise refused_late(row)
    recipients = session.scalars(select(ApprovalRecipient).where(ApprovalRecipient.approval_id == row.id)).all()
    is_asked = any(one.member_id == principal.member_id and one.is_open for one in recipients)
    if not may_assign(principal, row, is_asked=is_asked):
        sentence = "You are not asked, and may not give requests to others. A manager can."
        raise not_allowed(principal, sentence, "not_asked", required="approval.assign")
    words = shortened(storable(reason).strip(), _REASON_CHARS)
    if not words:
        raise Malformed("Say why: whoever gets it reads it.", errors={"reason": ["is missing"]})
    if any(one.member_id == to_member_id for one in recipients):
        raise NotNow("They are, or were, asked already.", code="asked_already")
    _check_other(session, row, to_member_id)
    moment = clock.now()
    by = principal.member_id if is_asked else None
    add_recipients(session, row, [Asked(to_member_id, "delegated", by)], level=row.level, moment=moment)
    if is_asked:
        close_recipients(session, row.id, member_id=principal.member_id)
    relieve(session, row)
    session.flush()
    audit.write(
        session, workspace_id=row.workspace_id, actor=principal.actor, action="approval.delegated",
        object_kind="approval", object_id=row.id, run_id=row.run_id, revision_id=row.revision_id,
        detail={"to": to_member_id, "instead_of": by, "reason": words},
    )  # fmt: skip
    outbox.send(
        session, workspace_id=row.workspace_id, kind=REQUESTED, payload={"approval": row.id, "member": to_member_id}
    )


def _check_other(session: Session, row: Approval, member_id: str) -> None:
    case = case_of_row(row)
    sentence = ""
    if not fit_to_decide(session, case, [member_id]):
        sentence = "This is no active member of the workspace who may answer requests."
    elif may_decide(session, Gate.model_validate(row.rule), case, member_id, is_alone=False):
        sentence = "The gate does not let them decide: they started the run, or froze the revision."
    if sentence:
        raise Malformed(sentence, errors={"to_member_id": [sentence]})
