"""Finding something in the audit: who did what to which thing, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.kit.paging import Page
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.people.facts import AuditFacts
from signoff.people.queries import audit_facts
from signoff.tables.keyset import newest_first
from signoff.tables.record import AuditRow

WORDS_CHARS_MAX = 200


def search_audit(
    session: Session,
    viewer: Principal,
    *,
    words: str = "",
    areas: tuple[str, ...] = (),
    actor_kind: str = "",
    since: datetime | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[AuditFacts]:
    """Return one page of the audit of the viewer's workspace, newest first.

    Args:
        words: a whole id (of a thing, an actor, a run, a revision), a kind of thing, or part of an actor's name or
            of an action.
        areas: first words of actions, such as `connection`; none means all.
        actor_kind: member, key, run or system; empty means all.

    Raises:
        NotAllowed: the viewer may not read the audit.
        Malformed: the cursor is not one of this list.
    """
    authorize(viewer, "audit.read")
    wanted = select(AuditRow).where(AuditRow.workspace_id == viewer.workspace_id)
    text = storable(words).strip()[:WORDS_CHARS_MAX]
    if text:
        wanted = wanted.where(
            or_(
                AuditRow.object_id == text,
                AuditRow.actor_id == text,
                AuditRow.run_id == text,
                AuditRow.revision_id == text,
                AuditRow.object_kind == text.lower(),
                AuditRow.actor_name.icontains(text, autoescape=True),
                AuditRow.action.icontains(text, autoescape=True),
            )
        )
    if areas:
        wanted = wanted.where(or_(*(AuditRow.action.startswith(f"{area}.", autoescape=True) for area in areas)))
    if actor_kind:
        wanted = wanted.where(AuditRow.actor_kind == actor_kind)
    if since:
        wanted = wanted.where(AuditRow.at >= since)
    page = newest_first(session, wanted, AuditRow.seq, cursor=cursor, size=size)
    return Page([audit_facts(row[0]) for row in page.rows], page.next_cursor, page.previous_cursor)
