"""What happens to a person happens in all their workspaces: told in the audit of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.people import Member, Person
from signoff.tables.session import lifted

_WORKSPACES_MAX = 200


def note_everywhere(
    session: Session, person_id: str, action: str, detail: Mapping[str, Any] | None = None, *, by: Actor | None = None
) -> None:
    """Write one audit row in each workspace of a person. They did it themselves, unless `by` says who did."""
    with lifted(session):  # The chains of their other workspaces are behind the wall of this one.
        rows = session.execute(
            select(Member.id, Member.workspace_id, Person.name)
            .join(Person, Person.id == Member.person_id)
            .where(Member.person_id == person_id, Member.state == "active")
            # One order for everybody: two who write to the same chains never wait for each other in a ring.
            .order_by(Member.workspace_id)
            .limit(_WORKSPACES_MAX)
        ).all()
        for member_id, workspace_id, name in rows:
            audit.write(
                session,
                workspace_id=workspace_id,
                actor=by or Actor("member", member_id, name),
                action=action,
                object_kind="member",
                object_id=member_id,
                detail=detail,
            )
