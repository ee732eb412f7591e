"""The postmortem: what it came to, why, what was learnt, and whether a case would have caught it."""

from __future__ import annotations

from typing import get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.incidents.lookup import incident_for
from signoff.incidents.states import Caught
from signoff.incidents.writing import add_entry, checked, note
from signoff.kit.errors import Malformed, NotNow
from signoff.people.access import Principal
from signoff.tables.incidents import Incident, IncidentTask

CHARS_MAX = 10_000
_CAUGHT: tuple[Caught, ...] = get_args(Caught)


def write_postmortem(
    session: Session,
    principal: Principal,
    incident_id: str,
    *,
    version: int,
    impact: str,
    cause: str,
    lessons: str,
    caught: Caught,
    caught_by: str = "",
) -> None:
    """Write the people's part of the postmortem.

    Args:
        version: of what was read: of two who write at once the second is told.
        caught: whether a case would have caught it before it served; `caught_by` says which, or why not.

    Raises:
        NotFound: there is no such incident here.
        NotAllowed: the caller may not see to it.
        NotNow: somebody changed it meanwhile, or it is reviewed.
        Malformed: a text is too long, or `caught` is none of its words.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    if caught not in _CAUGHT:
        raise Malformed(f"Caught is one of: {', '.join(_CAUGHT)}.", errors={"caught": ["unknown"]})
    texts = {"impact": impact, "cause": cause, "lessons": lessons}
    clean = {name: checked(text, name, least=0, most=CHARS_MAX) for name, text in texts.items()}
    clean["caught_by"] = checked(caught_by, "caught_by", least=0)
    if row.state == "reviewed":
        raise NotNow(f"It was reviewed by {row.reviewed_by_name}; it stays as it was then.", code="incident_reviewed")
    if row.version != version:
        raise NotNow("Somebody changed the postmortem meanwhile. Read it again, then write.", code="postmortem_changed")
    for name, text in clean.items():
        setattr(row, name, text)
    row.caught, row.version = caught, version + 1
    session.flush()
    add_entry(session, row, principal.actor, "postmortem", "The postmortem was written.", {"version": row.version})
    note(session, row, principal.actor, "incident.postmortem_written", {"version": row.version, "caught": caught})


def missing(session: Session, row: Incident) -> tuple[str, ...]:
    """Return in words what the review still needs; empty: nothing."""
    open_tasks = select(func.count()).where(
        IncidentTask.incident_id == row.id, IncidentTask.done_at.is_(None), IncidentTask.owner_id.is_(None),
        IncidentTask.key.is_distinct_from("postmortem"),
    )  # fmt: skip
    left = session.scalar(open_tasks) or 0
    found: list[str] = []
    if not row.cause.strip():
        found.append("Write down its cause.")
    if not row.lessons.strip():
        found.append("Write down what was learnt.")
    if left:
        one = "1 open task has no owner: give it" if left == 1 else f"{left} open tasks have no owner: give each"
        found.append(f"{one} to somebody, or do it.")
    return tuple(found)
