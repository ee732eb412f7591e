"""Who belongs to a workspace, and with which role."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.people.actions.workspaces import person_for
from signoff.people.emails import clean_name
from signoff.people.roles import ROLES
from signoff.record import audit
from signoff.tables.people import Member, Person, SetupLink, SignInSession, Workspace


def add_member(session: Session, principal: Principal, *, email: str, name: str, role: str) -> str:
    """Let a person into the caller's workspace; return the member's id. One who was removed comes back.

    Raises:
        NotNow: the person is a member already.
        NotAllowed: only an owner makes owners.
    """
    authorize(principal, "member.manage")
    _check_role(principal, role)
    _lock(session, principal.workspace_id)
    person_id = person_for(session, email, name)
    member = session.scalar(
        select(Member).where(Member.workspace_id == principal.workspace_id, Member.person_id == person_id)
    )
    if member is not None and member.state == "active":
        raise NotNow("This person is a member already. Change the role instead.", code="member_exists")
    # Who has a password comes in with it; everybody else is invited until they use their link.
    has_password = session.scalar(select(Person.password_hash).where(Person.id == person_id)) is not None
    accepted_at = clock.now() if has_password else None
    if member is None:
        member = Member(
            id=ids.new_id("mem"),
            workspace_id=principal.workspace_id,
            person_id=person_id,
            role=role,
            created_at=clock.now(),
            accepted_at=accepted_at,
        )
        session.add(member)
    else:
        member.role, member.state, member.accepted_at = role, "active", accepted_at
    session.flush()
    _note(session, principal, "member.added", member.id, {"role": role})
    return member.id


def set_role(session: Session, principal: Principal, member_id: str, *, role: str) -> None:
    """Give a member another role. It holds from the next request on.

    Raises:
        NotNow: it would leave the workspace without an owner.
    """
    authorize(principal, "member.manage")
    _check_role(principal, role)
    member = member_to_change(session, principal, member_id)
    if member.role == role:
        return
    if member.role == "owner":
        _keep_an_owner(session, member)
    before, member.role = member.role, role
    session.flush()
    _note(session, principal, "member.role_changed", member.id, {"role": role, "before": before})


def remove_member(session: Session, principal: Principal, member_id: str) -> None:
    """Take a person out of the workspace; their sessions and links here end at once, what they did stays.

    Of somebody who has not come in yet, this withdraws the invitation.
    """
    authorize(principal, "member.manage")
    member = member_to_change(session, principal, member_id)
    if member.role == "owner":
        _keep_an_owner(session, member)
    member.state = "removed"
    session.execute(
        update(SignInSession)
        .where(
            SignInSession.person_id == member.person_id,
            SignInSession.workspace_id == member.workspace_id,
            SignInSession.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
    )
    session.execute(
        update(SetupLink)
        .where(
            SetupLink.person_id == member.person_id,
            SetupLink.workspace_id == member.workspace_id,
            SetupLink.used_at.is_(None),
        )
        .values(used_at=clock.now())
    )
    session.flush()
    event = "member.removed" if member.accepted_at else "member.invitation_withdrawn"
    _note(session, principal, event, member.id, {"role": member.role})


def rename_person(session: Session, person_id: str, name: str) -> None:
    """Give a person the name they chose on their way in.

    Raises:
        Malformed: it cannot be a name.
    """
    session.execute(update(Person).where(Person.id == person_id).values(name=clean_name(name)))


def _check_role(principal: Principal, role: str) -> None:
    if role not in ROLES:
        raise Malformed(f"{role[:40]!r} is not a role.", errors={"role": [f"one of: {', '.join(ROLES)}"]})
    if role == "owner" and principal.role != "owner":
        raise NotAllowed("Only an owner makes owners.", extra={"required": "owner", "role": principal.role})


def member_to_change(session: Session, principal: Principal, member_id: str) -> Member:
    """Return the member an administrator may change, with the workspace locked.

    Raises:
        NotFound: there is no such member here.
        NotAllowed: an owner is changed by owners only.
    """
    _lock(session, principal.workspace_id)
    member = session.scalar(
        select(Member)
        .where(Member.id == member_id, Member.workspace_id == principal.workspace_id, Member.state == "active")
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise NotFound("There is no such member in this workspace.")
    if member.role == "owner" and principal.role != "owner":
        raise NotAllowed("Only an owner changes an owner.", extra={"required": "owner", "role": principal.role})
    return member


def _keep_an_owner(session: Session, member: Member) -> None:
    owners = session.scalar(
        select(func.count())
        .select_from(Member)
        .where(Member.workspace_id == member.workspace_id, Member.role == "owner", Member.state == "active")
    )
    if (owners or 0) <= 1:
        raise NotNow("This is the last owner. Make somebody else an owner first.", code="last_owner")


def _lock(session: Session, workspace_id: str) -> None:
    # Two owners who demote each other in the same instant must not both succeed.
    session.execute(select(Workspace.id).where(Workspace.id == workspace_id).with_for_update())


def _note(session: Session, principal: Principal, action: str, member_id: str, detail: dict[str, Any]) -> None:
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action=action,
        object_kind="member",
        object_id=member_id,
        detail=detail,
    )
