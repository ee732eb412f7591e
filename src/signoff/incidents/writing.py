"""What every change of an incident leaves behind: a line of its timeline, a row of the audit, an event, a notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from signoff.incidents.rules import rules
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, TooMuch
from signoff.kit.text import storable
from signoff.record import audit, happenings
from signoff.record.actor import Actor
from signoff.record.alarms import INCIDENT, ask_to_tell
from signoff.tables.incidents import Incident, IncidentEntry, IncidentTask

TITLE_CHARS_MAX = 200
TEXT_CHARS_MAX = 2_000
ENTRIES_MAX = 2_000


def checked(text: str, field: str, *, least: int = 1, most: int = TEXT_CHARS_MAX) -> str:
    """Return what somebody wrote as it is stored.

    Raises:
        Malformed: it is too short or too long.
    """
    clean = storable(text).strip()
    if not least <= len(clean) <= most:
        rule = f"at most {most:,} characters" if not least else f"between {least} and {most:,} characters"
        raise Malformed(f"The {field} has {len(clean):,} characters; it takes {rule}.", errors={field: [rule]})
    return clean


def add_entry(
    session: Session, row: Incident, by: Actor, kind: str, text: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add a line to the timeline."""
    session.add(
        IncidentEntry(
            id=ids.new_id("ine"), workspace_id=row.workspace_id, incident_id=row.id, at=clock.now(), actor_id=by.id,
            actor_name=by.name, kind=kind, text=text, detail=dict(detail or {}),
        )
    )  # fmt: skip
    session.flush()


def leave_room(session: Session, row: Incident) -> None:
    """Refuse what people add when the timeline is full; what the product itself writes still finds room.

    Raises:
        TooMuch: it has as many lines as are kept.
    """
    count = session.scalar(select(func.count()).where(IncidentEntry.incident_id == row.id)) or 0
    if count >= ENTRIES_MAX:
        raise TooMuch(f"The timeline of this incident has {ENTRIES_MAX:,} lines, and takes no more.")


def note(session: Session, row: Incident, by: Actor, action: str, detail: Mapping[str, Any] | None = None) -> None:
    """Write into the audit that somebody did something to an incident."""
    audit.write(
        session, workspace_id=row.workspace_id, actor=by, action=action, object_kind="incident", object_id=row.id,
        detail={"severity": row.severity, **({"agent": row.agent_id} if row.agent_id else {}), **(detail or {})},
    )  # fmt: skip


def tell_event(session: Session, row: Incident, event: happenings.Event) -> None:
    """Have a move told to whoever listens outside."""
    happenings.tell(
        session, row.workspace_id, event, about=row.id, agent_id=row.agent_id, environment_id=row.environment_id,
        facts={"state": row.state, "severity": row.severity, "alert": row.alert_id, "release": row.release_id,
               "revision": row.revision_id},
    )  # fmt: skip


def tell_people(session: Session, row: Incident, what: str) -> None:
    """Have whoever answers for the agent, or the administrators, told of an incident: that it opened, that it rose."""
    ask_to_tell(
        session, row.workspace_id, key=f"{INCIDENT}:{row.id}:{what}", kind=INCIDENT, about=row.id, agent_id=row.agent_id
    )


def add_checklist(session: Session, row: Incident, by: Actor) -> None:
    """Add the lines of the checklist of its severity that it has not yet."""
    have = set(session.scalars(select(IncidentTask.key).where(IncidentTask.incident_id == row.id)))
    for step in rules().checklist(_severity(row)):
        if step.key not in have:
            session.add(
                IncidentTask(
                    id=ids.new_id("itk"), workspace_id=row.workspace_id, incident_id=row.id, kind="checklist",
                    key=step.key, title=step.title, made_by_name=by.name, made_at=clock.now(),
                )
            )  # fmt: skip
    session.flush()


def tick(session: Session, row: Incident, by: Actor, what: str) -> None:
    """Tick the lines of the checklist that something has done by itself."""
    session.execute(
        update(IncidentTask)
        .where(
            IncidentTask.incident_id == row.id, IncidentTask.key.in_(rules().ticked_by(what)),
            IncidentTask.done_at.is_(None),
        )
        .values(done_at=clock.now(), done_by=by.id, done_by_name=by.name)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _severity(row: Incident) -> Any:
    return row.severity
