"""Answering a request. Whoever and however many answer, one answer wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.actions.moves import case_of_row, close_recipients, end, is_past, refused_late, tell
from signoff.approvals.actions.said import Said, said_of
from signoff.approvals.people import fit_to_decide, may_decide
from signoff.approvals.rights import NOT_ASKED, not_allowed, visible
from signoff.approvals.states import LEADS_TO, ApprovalState, Verdict, is_open
from signoff.kit import clock
from signoff.kit.errors import NotFound, NotNow
from signoff.kit.faultpoints import faultpoint
from signoff.people.access import Principal, authorize
from signoff.record import audit, trace
from signoff.runs.called_off import called_off
from signoff.runs.states import is_over
from signoff.tables.approvals import Approval, ApprovalRecipient, ApprovalVote
from signoff.tables.runs import Run


@dataclass(frozen=True, slots=True)
class Decided:
    """What an answer did. `state` is `pending` while more must agree; `is_resumed`: the run goes on."""

    id: str
    state: ApprovalState
    votes: int
    quorum: int
    is_resumed: bool


def decide(
    session: Session,
    principal: Principal,
    approval_id: str,
    *,
    verdict: Verdict,
    args: Mapping[str, Any] | None = None,
    answers: Sequence[Mapping[str, Any]] | None = None,
    amount_usd: Decimal | None = None,
    endorse: Sequence[str] = (),
    reason: str | None = None,
    reason_code: str | None = None,
    via: str = "api",
) -> Decided:
    """Answer a request as the caller, whose word counts once. One denial denies; approvals are counted to the quorum.

    Args:
        args: approve with these arguments instead.
        answers: to the questions, in their order: `{"options": [...], "text": "..."}` each.
        amount_usd: by how much a budget is raised.
        endorse: names of arguments whose values are accepted for the rest of the run.
        via: the way the answer came in: `page`, `api`, `cli`, `mail`, `slack`, `teams`.

    Raises:
        NotFound: the caller has no such request.
        NotAllowed: the caller is not asked, or may not answer (any more).
        NotNow: somebody was first, it expired, or its run is over; says who and when.
        Malformed: a reason is missing, or the arguments or answers do not fit.
    """
    row, run = _held(session, principal, approval_id)
    member_id, recipients = _asked(session, principal, row)
    _check_open(session, row, run, member_id)
    _check_member(session, principal, row, member_id, recipients)
    said = said_of(
        session, row, verdict, args=args, answers=answers, amount_usd=amount_usd, endorse=endorse, reason=reason,
        reason_code=reason_code,
    )  # fmt: skip
    moment = clock.now()
    session.add(
        ApprovalVote(
            approval_id=row.id, member_id=member_id, workspace_id=row.workspace_id, member_name=principal.name,
            verdict=verdict, decision=said.decision, reason=said.reason, reason_code=said.reason_code, via=via[:32],
            at=moment,
        )
    )  # fmt: skip
    session.flush()
    close_recipients(session, row.id, member_id=member_id)
    votes = _approvals(session, row.id)
    if verdict == "approve" and votes < row.quorum:
        _note(session, principal, row, "approval.voted", said, via, votes)
        tell(session, row)
        faultpoint("decision-written")
        return Decided(row.id, "pending", votes, row.quorum, is_resumed=False)
    state = LEADS_TO[verdict]
    resumed = end(session, principal, row, run, state, said, via=via, moment=moment)
    _note(session, principal, row, f"approval.{state}", said, via, votes)
    faultpoint("decision-written")
    return Decided(row.id, state, votes, row.quorum, is_resumed=resumed)


def _held(session: Session, principal: Principal, approval_id: str) -> tuple[Approval, Run]:
    """Return the request and its run, held until the transaction ends, so that answers come one after the other."""
    authorize(principal, "approval.decide")
    row = session.scalar(select(Approval).where(Approval.id == approval_id, *visible(principal)))
    if row is None:
        raise NotFound("There is no such request in this workspace.")
    # Before the request and the audit, as everything else that changes a run.
    trace.take_turn(session, row.run_id)
    session.refresh(row)
    return row, session.get_one(Run, row.run_id, populate_existing=True)


def _asked(session: Session, principal: Principal, row: Approval) -> tuple[str, Sequence[ApprovalRecipient]]:
    """Return the member who answers, and everybody who was asked.

    Raises:
        NotAllowed: they were not asked, or it is not a member who calls.
    """
    member_id = principal.member_id
    if member_id is None:
        words = "A member answers requests. A service account and the product itself cannot be asked."
        raise not_allowed(principal, words, "not_a_member")
    recipients = session.scalars(select(ApprovalRecipient).where(ApprovalRecipient.approval_id == row.id)).all()
    if not any(one.member_id == member_id for one in recipients):
        raise not_allowed(principal, NOT_ASKED, "not_asked")
    return member_id, recipients


def _check_open(session: Session, row: Approval, run: Run, member_id: str) -> None:
    """Return quietly while an answer of this member would count, or refuse it as too late."""
    if not is_open(row.state):
        raise refused_late(row)
    if is_over(run.state):
        raise _run_over(session, run)
    if is_past(row):
        raise NotNow(
            f"The deadline was at {row.deadline_at:%Y-%m-%d %H:%M:%S} UTC. Nothing was changed.", code="deadline_passed"
        )
    voted = session.get(ApprovalVote, (row.id, member_id), populate_existing=True)
    if voted is not None:
        raise NotNow(
            f"You answered this at {voted.at:%Y-%m-%d %H:%M:%S} UTC already; it waits for others.",
            code="answered_before",
        )


def _run_over(session: Session, run: Run) -> NotNow:
    """Return the refusal while the request is about to be withdrawn: who called its run off, and why."""
    found = called_off(session, run)
    happened = f"it is {run.state}"
    if found is not None:
        happened = f"{found.by_name} called it off" + (f": {found.reason.rstrip('.')}" if found.reason else "")
    return NotNow(
        f"The run that asked is over: {happened}. Nothing was changed, and nobody needs to answer any more.",
        code="run_over",
        extra={"state": run.state} | ({"by": found.by_name, "reason": found.reason} if found else {}),
    )


def _check_member(
    session: Session, principal: Principal, row: Approval, member_id: str, recipients: Sequence[ApprovalRecipient]
) -> None:
    """Return quietly when this member may decide now, whatever was so when they were asked."""
    if not any(one.member_id == member_id and one.is_open for one in recipients):
        raise not_allowed(principal, "You gave this request to somebody else.", "not_asked")
    authorize(principal, "approval.decide", owners=(member_id,), environment_id=row.environment_id)
    case = case_of_row(row)
    if not fit_to_decide(session, case, [member_id]):
        raise not_allowed(principal, "You may not answer requests here any more.", "not_asked")
    is_alone = all(one.member_id == member_id for one in recipients)
    if sentence := may_decide(session, Gate.model_validate(row.rule), case, member_id, is_alone=is_alone):
        raise not_allowed(principal, sentence, "not_by_you")


def _approvals(session: Session, approval_id: str) -> int:
    counted = select(func.count()).where(ApprovalVote.approval_id == approval_id, ApprovalVote.verdict == "approve")
    return session.scalar(counted) or 0


def _note(session: Session, principal: Principal, row: Approval, action: str, said: Said, via: str, votes: int) -> None:
    audit.write(
        session, workspace_id=row.workspace_id, actor=principal.actor, action=action, object_kind="approval",
        object_id=row.id, run_id=row.run_id, revision_id=row.revision_id,
        detail={
            "gate": row.gate, "tool": row.tool, "binding": said.binding or row.binding, "via": via,
            "votes": votes, "quorum": row.quorum, "is_edited": said.args is not None,
            "reason_code": said.reason_code, "endorsed": [one[0] for one in said.endorsed],
        },
    )  # fmt: skip
