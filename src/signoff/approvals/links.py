"""One-time links: whoever holds one is one member before one request, until it ends, and nothing else.

A link carries 256 random bits and only their hash is kept, so it can neither be guessed nor made from the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from signoff.approvals.actions.decide import Decided, decide
from signoff.approvals.facts import ApprovalDetail
from signoff.approvals.queries import approval
from signoff.approvals.states import Verdict
from signoff.kit import clock, ids
from signoff.kit.errors import NotNow, Refusal
from signoff.people import tokens
from signoff.people.access import Principal
from signoff.people.membership import principal_of_member
from signoff.tables.approvals import Approval
from signoff.tables.notices import DecideLink
from signoff.tables.people import Member, Person, Workspace

# A request that goes on waiting has no end; its link has.
_DAYS_MAX = 30


class DecideLinkNotGood(Refusal):
    """The link never was, its time is over, or its member is no member any more. All are told alike."""

    status = 410


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a link, and what they see of its request."""

    name: str
    workspace: str
    workspace_slug: str
    detail: ApprovalDetail
    is_used: bool


def make_link(session: Session, row: Approval, member_id: str) -> str | None:
    """Return the token of a new link for a member who is asked; None where a mailbox alone may not let anybody in."""
    place = session.get_one(Workspace, row.workspace_id)
    if row.kind != "approval" or place.is_second_factor_required or not place.is_password_allowed:
        return None
    moment = clock.now()
    latest = moment + timedelta(days=_DAYS_MAX)
    waits_on = row.deadline_at is None or row.rule.get("on_deadline") == "wait"
    expires: datetime = latest if waits_on or row.deadline_at is None else min(row.deadline_at, latest)
    token = ids.new_token("dec")
    session.add(
        DecideLink(
            id=ids.new_id("dln"), workspace_id=row.workspace_id, approval_id=row.id, member_id=member_id,
            token_hash=tokens.hash_of(token), made_at=moment, expires_at=expires,
        )
    )  # fmt: skip
    session.flush()
    return token


def held_by(session: Session, token: str) -> Held:
    """Return what a link shows. Looking changes nothing, however often and by whatever program.

    Raises:
        DecideLinkNotGood: it shows nothing (any more).
    """
    link, they, place = _found(session, token)
    detail = approval(session, they, link.approval_id)
    if clock.now() >= link.expires_at and detail.row.state == "pending":
        raise _not_good()
    return Held(they.name, place.name, place.slug, detail, link.used_at is not None)


def decide_by_link(
    session: Session, token: str, *, verdict: Verdict, reason: str | None = None, reason_code: str | None = None
) -> Decided:
    """Answer as the link's member, and use the link up. Of two at once one answers.

    Raises:
        DecideLinkNotGood: it cannot be used (any more).
        NotNow: it was used, or the request was answered; says by whom and when.
        NotAllowed: the member may not answer any more.
        Malformed: a reason is missing.
    """
    link, they, _ = _found(session, token)
    decided = decide(
        session, they, link.approval_id, verdict=verdict, reason=reason, reason_code=reason_code, via="mail"
    )  # fmt: skip
    used = session.execute(
        update(DecideLink)
        .where(DecideLink.id == link.id, DecideLink.used_at.is_(None), DecideLink.expires_at > clock.now())
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    if not isinstance(used, CursorResult) or used.rowcount != 1:
        raise NotNow("This link was used before, or its time is over. Nothing was changed.", code="link_used")
    return decided


def _found(session: Session, token: str) -> tuple[DecideLink, Principal, Workspace]:
    found = session.execute(
        select(DecideLink, Member, Person, Workspace)
        .join(Member, Member.id == DecideLink.member_id)
        .join(Person, Person.id == Member.person_id)
        .join(Workspace, Workspace.id == DecideLink.workspace_id)
        .where(DecideLink.token_hash == tokens.hash_of(token), Member.state == "active")
        .where(Workspace.suspended_at.is_(None))
    ).first()
    if found is None:
        raise _not_good()
    link, member, person, place = found
    if place.is_second_factor_required or not place.is_password_allowed:
        # The workspace asks for more since: a mailbox alone lets nobody in.
        raise _not_good()
    return link, principal_of_member(session, member, person), place


def _not_good() -> DecideLinkNotGood:
    return DecideLinkNotGood(
        "This link cannot be used: it is not whole, or its time is over. Nothing was changed. The request is "
        "in the inbox.",
        code="link_not_good",
    )
