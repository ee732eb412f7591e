"""What concerns the installation and not one workspace: who may make workspaces, and shut them."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal
from signoff.people.actions.workspaces import found_workspace
from signoff.people.facts import Founded
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.people import Member, Person, Workspace

REASON_CHARS_MAX = 500


def may_administer_instance(session: Session, principal: Principal) -> bool:
    """Return whether the caller is an instance administrator: a signed-in person with the mark, or the operator."""
    if principal.kind == "system":
        return True
    # The mark is the person's: a workspace's identity provider, which may say anything, has no say in it.
    if principal.kind != "member" or not principal.person_id or principal.is_bound:
        return False
    mark = select(Person.is_instance_administrator).where(Person.id == principal.person_id)
    return bool(session.scalar(mark))


def authorize_instance(session: Session, principal: Principal) -> None:
    """Return quietly, or refuse.

    Raises:
        NotAllowed: the caller is no instance administrator. A key never is: it belongs to one workspace.
    """
    if not may_administer_instance(session, principal):
        raise NotAllowed(
            "Only an instance administrator, signed in as themselves, sees and changes workspaces. The operator makes "
            "one with `signoff workspaces administrator --email ADDRESS`.",
            extra={"required": "instance administrator", "granted": [], "role": principal.role},
        )


def create_workspace(
    session: Session, principal: Principal, *, slug: str, name: str, owner_email: str, owner_name: str
) -> Founded:
    """Make a workspace with staging, production and an owner.

    Raises:
        NotAllowed: the caller is no instance administrator.
        Malformed: the slug or the address cannot be used.
        NotNow: there is a workspace of that slug.
    """
    authorize_instance(session, principal)
    return found_workspace(
        session, slug=slug, name=name, owner_email=owner_email, owner_name=owner_name, by=principal.actor
    )


def suspend_workspace(session: Session, principal: Principal, slug: str, *, reason: str) -> None:
    """Shut a workspace: sign-in and keys are refused, no run starts, and those going stop at their next call.

    Raises:
        NotAllowed: the caller is no instance administrator.
        NotFound: there is no such workspace.
        NotNow: it is suspended already, or it is the one the caller acts from.
        Malformed: no reason is given.
    """
    authorize_instance(session, principal)
    words = storable(reason).strip()
    if not words or len(words) > REASON_CHARS_MAX:
        sentence = f"Say why, in 1 to {REASON_CHARS_MAX} characters: its members read it."
        raise Malformed(sentence, errors={"reason": [sentence]})
    workspace = _find(session, slug)
    if principal.kind == "member" and workspace.id == principal.workspace_id:
        raise NotNow(
            "You are in this workspace now, and would lock yourself out. Switch to another one, or use "
            "`signoff workspaces suspend` on the machine.",
            code="own_workspace",
        )
    changed = session.execute(
        update(Workspace)
        .where(Workspace.id == workspace.id, Workspace.suspended_at.is_(None))
        .values(suspended_at=clock.now(), suspended_reason=words)
    )
    if getattr(changed, "rowcount", 0) != 1:
        raise NotNow(f"{workspace.name} is suspended already.", code="workspace_suspended")
    _note(session, principal.actor, workspace.id, "workspace.suspended", {"reason": words})


def resume_workspace(session: Session, principal: Principal, slug: str) -> None:
    """Open a suspended workspace again.

    Raises:
        NotAllowed: the caller is no instance administrator.
        NotFound: there is no such workspace.
        NotNow: it is not suspended.
    """
    authorize_instance(session, principal)
    workspace = _find(session, slug)
    changed = session.execute(
        update(Workspace)
        .where(Workspace.id == workspace.id, Workspace.suspended_at.is_not(None))
        .values(suspended_at=None, suspended_reason=None)
    )
    if getattr(changed, "rowcount", 0) != 1:
        raise NotNow(f"{workspace.name} is not suspended.", code="workspace_works")
    _note(session, principal.actor, workspace.id, "workspace.resumed", {})


def set_instance_administrator(session: Session, by: Actor, *, person_id: str, is_on: bool) -> None:
    """Give a person the mark of an instance administrator, or take it. The operator does this, nobody else.

    Every workspace the person belongs to has it in its audit.

    Raises:
        NotFound: there is no such person.
    """
    changed = session.execute(update(Person).where(Person.id == person_id).values(is_instance_administrator=is_on))
    if getattr(changed, "rowcount", 0) != 1:
        raise NotFound("There is no such person.")
    action = "instance_administrator.added" if is_on else "instance_administrator.removed"
    # In the order in which everybody writes to several chains.
    theirs = select(Member.workspace_id).where(Member.person_id == person_id).order_by(Member.workspace_id)
    for workspace_id in session.scalars(theirs).all():
        _note(session, by, workspace_id, action, {"person": person_id})


def _find(session: Session, slug: str) -> Workspace:
    row = session.scalar(select(Workspace).where(Workspace.slug == slug).execution_options(populate_existing=True))
    if row is None:
        raise NotFound(f"There is no workspace {slug[:63]!r}.")
    return row


def _note(session: Session, by: Actor, workspace_id: str, action: str, detail: dict[str, str]) -> None:
    audit.write(
        session,
        workspace_id=workspace_id,
        actor=by,
        action=action,
        object_kind="workspace",
        object_id=workspace_id,
        detail=detail,
    )
