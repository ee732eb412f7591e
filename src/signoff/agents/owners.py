"""Members by their addresses, as files name owners."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.tables.people import Member, Person


def members_by_email(session: Session, workspace_id: str, emails: Iterable[str | None]) -> dict[str, str]:
    """Return address → member id for the active members of a workspace among `emails`, compared without case."""
    wanted = {email.strip().lower() for email in emails if email}
    rows = session.execute(
        select(Person.email, Member.id)
        .join(Member, Member.person_id == Person.id)
        .where(Member.workspace_id == workspace_id, Member.state == "active", Person.email.in_(sorted(wanted)))
    )
    return {row.email: row.id for row in rows}
