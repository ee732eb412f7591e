"""Who is away, and who answers in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from signoff.kit import clock
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal, authorize
from signoff.tables.notices import Absence
from signoff.tables.people import Member, Person

# From one who is away to the next; who would be further away is not asked.
HOPS_MAX = 5
ABSENCES_MAX = 20


@dataclass(frozen=True, slots=True)
class AbsenceFacts:
    """From when until when a member is away, and who answers meanwhile."""

    id: str
    member_id: str
    delegate_id: str
    delegate_name: str
    starts_at: datetime
    ends_at: datetime


def absences_of(session: Session, viewer: Principal) -> list[AbsenceFacts]:
    """Return the viewer's own absences that are not over, the next first; at most 20.

    Raises:
        NotAllowed: the viewer is no member.
    """
    authorize(viewer, "approval.decide", owners=(viewer.member_id,))
    if viewer.member_id is None:
        raise NotAllowed("A member is away, and nobody else.", extra={"required": "approval.decide"})
    delegate, person = aliased(Member), aliased(Person)
    rows = session.execute(
        select(Absence, person.name)
        .join(delegate, delegate.id == Absence.delegate_id)
        .join(person, person.id == delegate.person_id)
        .where(
            Absence.workspace_id == viewer.workspace_id,
            Absence.member_id == viewer.member_id,
            Absence.ends_at > clock.now(),
        )
        .order_by(Absence.starts_at, Absence.id)
        .limit(ABSENCES_MAX)
    )
    return [
        AbsenceFacts(row.id, row.member_id, row.delegate_id, name, row.starts_at, row.ends_at) for row, name in rows
    ]


def standing_in(session: Session, workspace_id: str, member_ids: Sequence[str]) -> dict[str, str]:
    """Return who stands in for each of these members who is away; nobody for those behind whom nobody is there.

    Somebody's place goes on from one who is away to the next, at most five times, and never round in a ring.
    """
    moment = clock.now()
    away: dict[str, str] = {}
    asked: set[str] = set()
    wanted = set(member_ids)
    for _ in range(HOPS_MAX + 1):
        wanted -= asked
        if not wanted:
            break
        rows = session.execute(
            select(Absence.member_id, Absence.delegate_id)
            .where(
                Absence.workspace_id == workspace_id,
                Absence.member_id.in_(sorted(wanted)),
                Absence.starts_at <= moment,
                Absence.ends_at > moment,
            )
            .order_by(Absence.starts_at, Absence.id)
        )
        asked |= wanted
        here = {row.member_id: row.delegate_id for row in rows}
        away |= here
        wanted = set(here.values())
    found = {member: _there(away, member) for member in member_ids if member in away}
    return {member: other for member, other in found.items() if other is not None}


def _there(away: dict[str, str], member: str) -> str | None:
    """Return the first who is there behind a member who is away; None when there is nobody within the hops."""
    seen, here = {member}, member
    for _ in range(HOPS_MAX):
        here = away[here]
        if here in seen:
            return None
        seen.add(here)
        if here not in away:
            return here
    return None
