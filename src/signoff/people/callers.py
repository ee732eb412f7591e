"""Who a run works for, with the rights they have now: a member, a service account, a program's key, or the product."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal, system
from signoff.people.membership import principal_of_key_row, principal_of_member, principals_of_accounts
from signoff.tables.people import ApiKey, Member, Person, ServiceAccount


def caller_of(session: Session, workspace_id: str, caller_id: str) -> Principal | None:
    """Return whoever has this id in a workspace; None for one who is not there any more.

    Of a member's or an account's key only the holder is known by then: that key's own scopes are not.
    """
    if caller_id == "system":
        return system(workspace_id)
    row = session.execute(
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.id == caller_id, Member.workspace_id == workspace_id, Member.state == "active")
    ).one_or_none()
    if row is not None:
        return principal_of_member(session, row.Member, row.Person)
    account = session.scalar(
        select(ServiceAccount).where(
            ServiceAccount.id == caller_id,
            ServiceAccount.workspace_id == workspace_id,
            ServiceAccount.state == "active",
        )
    )
    if account is not None:
        return principals_of_accounts(session, [account])[0]
    key = session.scalar(
        select(ApiKey).where(ApiKey.id == caller_id, ApiKey.workspace_id == workspace_id, ApiKey.revoked_at.is_(None))
    )
    return principal_of_key_row(session, key, None, None, None) if key is not None else None
