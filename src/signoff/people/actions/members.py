"""Who belongs to a workspace, and with which role."""

from __future__ import annotations

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, authorize, can, covers
from signoff.people.actions.keys import end_key
from signoff.people.actions.roles import checked_role
from signoff.people.actions.workspaces import person_for
from signoff.people.custom_roles import permissions_of
from signoff.people.emails import clean_name
from signoff.people.levels import LEVEL_ACTIONS
from signoff.people.membership import grants_of
from signoff.people.owned import refuse_role_below_seats, refuse_while_owning
from signoff.people.proofs import is_elsewhere, is_unproven
from signoff.people.roles import ADMINISTRATORS, Action
from signoff.record import audit
from signoff.tables.agents import AgentGrant
from signoff.tables.people import ApiKey, Member, Person, SetupLink, SignInSession, Workspace


def add_member(
    session: Session, principal: Principal, *, email: str, name: str, role: str, sends_mail: bool = False
) -> str:
    """Let a person into the caller's workspace; return the member's id. One who was removed comes back.

    Args:
        sends_mail: the installation sends mail, with which somebody can show that their address is theirs.

    Raises:
        NotNow: the person is a member already; or their password was set in another workspace, and nobody has shown
            that the address is theirs (`address_not_proven`).
        NotAllowed: the role reaches further than the caller's; only an owner makes owners.
        Malformed: this workspace has no such role.
    """
    authorize(principal, "member.manage")
    _lock(session, principal.workspace_id)
    checked_role(session, principal, role)
    person_id = person_for(session, email, name)
    member = session.scalar(
        select(Member).where(Member.workspace_id == principal.workspace_id, Member.person_id == person_id)
    )
    if member is not None and member.state == "active":
        raise NotNow("This person is a member already. Change the role instead.", code="member_exists")
    # Who was nowhere else comes in with the password they have. Everybody else is invited until they come in, by their
    # link or by looking in: a workspace says nothing about people who did not agree to be there.
    has_password = session.scalar(select(Person.password_hash).where(Person.id == person_id)) is not None
    is_unsafe = is_unproven(session, person_id, beside=principal.workspace_id)
    if is_unsafe and not sends_mail:
        raise NotNow(
            "The password of this account was set in another workspace, and nobody has shown that the address is "
            "theirs. The operator makes them a link first: signoff setup-link --email ADDRESS -w THEIR-WORKSPACE.",
            code="address_not_proven",
        )
    # Whose password may be somebody else's comes in by the mailed link only, not with the password.
    accepted_at = clock.now() if has_password and not is_elsewhere(session, person_id, principal.workspace_id) else None
    if member is None:
        member = Member(
            id=ids.new_id("mem"),
            workspace_id=principal.workspace_id,
            person_id=person_id,
            role=role,
            created_at=clock.now(),
            invited_name=clean_name(name),
            accepted_at=accepted_at,
        )
        session.add(member)
    else:
        member.role, member.state, member.accepted_at = role, "active", accepted_at
        member.invited_name = clean_name(name)
    session.flush()
    audit.note(session, principal, "member.added", "member", member.id, {"role": role})
    return member.id


def set_role(session: Session, principal: Principal, member_id: str, *, role: str) -> None:
    """Give a member another role. It holds from the next request on.

    Raises:
        NotNow: it would leave the workspace without an owner, or without its owner of last resort; or an agent with
            somebody who cannot do what is asked of them there (`owns_things`).
    """
    authorize(principal, "member.manage")
    member = member_to_change(session, principal, member_id)
    checked_role(session, principal, role)
    if member.role == role:
        return
    if member.role == "owner":
        _keep_an_owner(session, member)
    if role not in ADMINISTRATORS:
        _keep_last_resort(session, member)
    refuse_role_below_seats(session, member, role)
    before, member.role = member.role, role
    session.flush()
    audit.note(session, principal, "member.role_changed", "member", member.id, {"role": role, "before": before})


def remove_member(session: Session, principal: Principal, member_id: str) -> None:
    """Take a person out of the workspace; their sessions, links, keys and grants here end at once, what they did stays.

    Of somebody who has not come in yet, this withdraws the invitation.

    Raises:
        NotNow: they are the last owner, or the owner of last resort; or something is theirs (`owns_things`).
    """
    authorize(principal, "member.manage")
    member = member_to_change(session, principal, member_id)
    if member.role == "owner":
        _keep_an_owner(session, member)
    _keep_last_resort(session, member)
    refuse_while_owning(session, member)
    member.state = "removed"
    # One who comes back begins with a role alone.
    session.execute(
        delete(AgentGrant).where(AgentGrant.workspace_id == member.workspace_id, AgentGrant.holder_id == member.id)
    )
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
    # Not only suspended: whoever is let in again later gets fresh ones.
    owned = select(ApiKey).where(ApiKey.workspace_id == member.workspace_id, ApiKey.owner_id == member.id)
    for key in session.scalars(owned.where(ApiKey.revoked_at.is_(None))):
        end_key(session, principal, key, because="member.removed")
    event = "member.removed" if member.accepted_at else "member.invitation_withdrawn"
    audit.note(session, principal, event, "member", member.id, {"role": member.role})


def rename_person(session: Session, person_id: str, name: str) -> None:
    """Give a person the name they chose on their way in.

    Raises:
        Malformed: it cannot be a name.
    """
    session.execute(update(Person).where(Person.id == person_id).values(name=clean_name(name)))


def name_last_resort(session: Session, principal: Principal, member_id: str) -> None:
    """Name the administrator who may take emergency action on any agent, whatever grants say.

    Raises:
        NotFound: there is no such member.
        NotNow: the member is no owner or administrator.
    """
    authorize(principal, "workspace.manage")
    _lock(session, principal.workspace_id)
    member = _member(session, principal, member_id)
    if member.role not in ADMINISTRATORS:
        raise NotNow(
            "The owner of last resort is an owner or an administrator. Give this member that role first.",
            code="not_an_administrator",
        )
    workspace = session.get_one(Workspace, principal.workspace_id, populate_existing=True)
    before = workspace.last_resort_id
    if before == member.id:
        return
    workspace.last_resort_id = member.id
    session.flush()
    audit.note(session, principal, "workspace.last_resort_named", "member", member.id, {"before": before})


def refuse_beyond(session: Session, principal: Principal, member: Member) -> None:
    """Refuse to act on a member who may do more than the caller: by their role, or by a grant on some agent.

    Whoever could, would take the rights over: with a new link, or by a role given back later.
    """
    is_theirs = member.id != principal.id
    if not covers(principal, permissions_of(session, member.workspace_id, member.role), is_theirs=is_theirs):
        if member.role == "owner":
            raise NotAllowed("Only an owner changes an owner.", extra={"required": "owner.manage"})
        raise NotAllowed(
            "This member's role reaches further than yours. Somebody who may all of that changes it.",
            extra={"required": "member.manage", "role": principal.role},
        )
    held = grants_of(session, member.workspace_id, [member.id]).get(member.id, {})
    for agent_id, levels in held.items():
        actions = frozenset[Action]().union(*(LEVEL_ACTIONS[level] for level in levels))
        if not all(can(principal, action, owners=(None,), agent_id=agent_id) for action in sorted(actions)):
            raise NotAllowed(
                "This member holds a grant on an agent that reaches further than what you may do there.",
                extra={"required": "member.manage", "role": principal.role},
            )


def member_to_change(session: Session, principal: Principal, member_id: str) -> Member:
    """Return the member an administrator may change, with the workspace locked.

    Raises:
        NotFound: there is no such member here.
        NotAllowed: an owner is changed by owners only.
    """
    _lock(session, principal.workspace_id)
    member = _member(session, principal, member_id)
    refuse_beyond(session, principal, member)
    return member


def _member(session: Session, principal: Principal, member_id: str) -> Member:
    member = session.scalar(
        select(Member)
        .where(Member.id == member_id, Member.workspace_id == principal.workspace_id, Member.state == "active")
        # Who is put in charge of an agent at the same moment is seen to own it.
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if member is None:
        raise NotFound("There is no such member in this workspace.")
    return member


def is_last_resort(session: Session, member: Member) -> bool:
    """Return whether a member is the owner of last resort; ask while the workspace is locked."""
    return session.scalar(select(Workspace.last_resort_id).where(Workspace.id == member.workspace_id)) == member.id


def _keep_last_resort(session: Session, member: Member) -> None:
    if is_last_resort(session, member):
        raise NotNow(
            "This member is the owner of last resort. Name another administrator first, under Settings, Roles.",
            code="last_resort",
        )


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
