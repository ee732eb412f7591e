"""Saying that one is away, and that one is back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.approvals.absences import ABSENCES_MAX
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.notices import Absence
from signoff.tables.people import Member

DAYS_MAX = 400


def go_away(session: Session, principal: Principal, *, starts_at: datetime, ends_at: datetime, delegate_id: str) -> str:
    """Have what is asked of the caller in this time asked of another member instead. Returns the absence's id.

    Raises:
        NotAllowed: the caller is no member who may answer requests.
        Malformed: the times make no span, or the other is no active member.
        NotNow: another absence of theirs lies in this time, or they have too many.
    """
    member_id = _oneself(principal)
    if starts_at >= ends_at or ends_at <= clock.now() or ends_at - starts_at > timedelta(days=DAYS_MAX):
        sentence = f"It ends after it starts, in the future, and lasts at most {DAYS_MAX} days."
        raise Malformed(sentence, errors={"ends_at": [sentence]})
    known = select(Member.id).where(
        Member.id == delegate_id, Member.workspace_id == principal.workspace_id, Member.state == "active"
    )
    if delegate_id == member_id or session.scalar(known) is None:
        sentence = "Choose another active member of this workspace."
        raise Malformed(sentence, errors={"delegate_id": [sentence]})
    # Two at once of the same member take turns here.
    session.execute(select(Member.id).where(Member.id == member_id).with_for_update())
    mine = (Absence.workspace_id == principal.workspace_id, Absence.member_id == member_id)
    coming = session.scalar(select(func.count()).where(*mine, Absence.ends_at > clock.now())) or 0
    if coming >= ABSENCES_MAX:
        raise NotNow(f"You have {ABSENCES_MAX} absences already. Remove one first.", code="absences_max")
    overlap = select(Absence.id).where(*mine, Absence.starts_at < ends_at, Absence.ends_at > starts_at).limit(1)
    if session.scalar(overlap) is not None:
        raise NotNow("You are away in part of this time already. Remove that absence first.", code="away_already")
    row = Absence(
        id=ids.new_id("abs"), workspace_id=principal.workspace_id, member_id=member_id, delegate_id=delegate_id,
        starts_at=starts_at, ends_at=ends_at, made_at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _note(session, principal, "absence.set", row)
    return row.id


def come_back(session: Session, principal: Principal, absence_id: str) -> None:
    """Remove an absence of the caller's. What went to another meanwhile stays there.

    Raises:
        NotFound: the caller has none of this id.
    """
    row = session.scalar(
        select(Absence).where(
            Absence.id == absence_id,
            Absence.workspace_id == principal.workspace_id,
            Absence.member_id == _oneself(principal),
        )
    )
    if row is None:
        raise NotFound("You have no such absence.")
    session.execute(delete(Absence).where(Absence.id == row.id))
    _note(session, principal, "absence.removed", row)


def _oneself(principal: Principal) -> str:
    authorize(principal, "approval.decide", owners=(principal.member_id,))
    if principal.member_id is None:
        raise NotAllowed("A member is away, and nobody else.", extra={"required": "approval.decide"})
    return principal.member_id


def _note(session: Session, principal: Principal, action: str, row: Absence) -> None:
    detail = {"to": row.delegate_id, "starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat()}
    audit.note(session, principal, action, "member", row.member_id, detail)
