"""Who somebody is now who did something earlier: their rights of today, not those they had."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal, system
from signoff.people.key_queries import principal_of_key_id
from signoff.people.membership import principal_of_member, principals_of_accounts
from signoff.record.actor import SYSTEM
from signoff.tables.people import Member, Person, ServiceAccount, Workspace

_KEY_OVER = {
    "revoked": "the key it was asked for with was revoked",
    "expired": "the key it was asked for with has expired",
    "owner_removed": "was removed from the workspace",
    "owner_disabled": "is disabled",
    "gone": "the key it was asked for with is gone",
}


def present(session: Session, workspace_id: str, holder_id: str, key_id: str | None = None) -> Principal | str:
    """Return the caller that a member, a service account or the product itself is at present, or why it is none: words
    that follow its name.

    Args:
        key_id: the key it acted with; what it may is bound by that key, and ends with it.
    """
    workspace = session.get_one(Workspace, workspace_id)
    if workspace.suspended_at is not None:
        return f"cannot act: the workspace {workspace.name} is suspended"
    if holder_id == SYSTEM.id:
        return system(workspace_id)
    if key_id is not None:
        found = principal_of_key_id(session, key_id)
        return _KEY_OVER.get(found, found) if isinstance(found, str) else found
    return _by_hand(session, workspace_id, holder_id)


def _by_hand(session: Session, workspace_id: str, holder_id: str) -> Principal | str:
    pair = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.id == holder_id, Member.workspace_id == workspace_id)
    ).first()
    if pair is not None:
        member, human = pair
        return (
            principal_of_member(session, member, human)
            if member.state == "active"
            else "was removed from the workspace"
        )
    account = session.scalar(
        select(ServiceAccount).where(ServiceAccount.id == holder_id, ServiceAccount.workspace_id == workspace_id)
    )
    if account is None:
        # A program's key that nobody holds is a caller of its own.
        key = principal_of_key_id(session, holder_id)
        is_here = not isinstance(key, str) and key.workspace_id == workspace_id
        return key if is_here else "is nobody of this workspace any more"
    return principals_of_accounts(session, [account])[0] if account.state == "active" else "is disabled"
