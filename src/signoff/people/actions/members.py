"""Who belongs to a workspace, and with which role."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.people.actions.workspaces import person_for
from signoff.people.roles import ROLES
from signoff.record import audit
from signoff.tables.people import Member, SignInSession, Workspace


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
    if member is None:
        member = Member(
            id=ids.new_id("mem"),
            workspace_id=principal.workspace_id,
            person_id=person_id,
            role=role,
            created_at=clock.now(),
        )
        session.add(member)
    else:
        member.role, member.state = role, "active"
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
    member = _member_to_change(session, principal, member_id)
    if member.role == role:
        return
    if member.role == "owner":
        _keep_an_owner(session, member)
    before, member.role = member.role, role
    session.flush()
    _note(session, principal, "member.role_changed", member.id, {"role": role, "before": before})


def remove_member(session: Session, principal: Principal, member_id: str) -> None:
    """Take a person out of the workspace; their sessions here end at once, what they did stays."""
    authorize(principal, "member.manage")
    member = _member_to_change(session, principal, member_id)
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
    session.flush()
    _note(session, principal, "member.removed", member.id, {"role": member.role})


def _check_role(principal: Principal, role: str) -> None:
    if role not in ROLES:
        raise Malformed(f"{role[:40]!r} is not a role.", errors={"role": [f"one of: {', '.join(ROLES)}"]})
    if role == "owner" and principal.role != "owner":
        raise NotAllowed("Only an owner makes owners.", extra={"required": "owner", "role": principal.role})


def _member_to_change(session: Session, principal: Principal, member_id: str) -> Member:
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


def is_last_owner(session: Session, member: Member) -> bool:
    """Return whether a member is the only owner; ask while the workspace is locked."""
    owners = session.scalar(
        select(func.count())
        .select_from(Member)
        .where(Member.workspace_id == member.workspace_id, Member.role == "owner", Member.state == "active")
    )
    return member.role == "owner" and (owners or 0) <= 1


def _keep_an_owner(session: Session, member: Member) -> None:
    if is_last_owner(session, member):
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
