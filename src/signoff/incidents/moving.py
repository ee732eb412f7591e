"""What people do with an incident: acknowledge, mitigate, resolve, review, and say how bad it really is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.incidents.lookup import incident_for
from signoff.incidents.opening import pause_for
from signoff.incidents.postmortem import missing
from signoff.incidents.states import FROM, SEVERITIES, SEVERITY_WORDS, Move, Severity, is_worse
from signoff.incidents.writing import add_checklist, add_entry, checked, leave_room, note, tell_event, tell_people, tick
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotNow
from signoff.people.access import Principal
from signoff.record.happenings import Event
from signoff.tables.incidents import Incident

_SAID: dict[Move, str] = {
    "acknowledged": "Acknowledged: somebody sees to it.",
    "mitigated": "Mitigated: it does no more harm.",
    "resolved": "Resolved: it is over.",
    "reviewed": "Reviewed: what was learnt is written down.",
}
_EVENTS: dict[Move, Event] = {
    "acknowledged": "incident.acknowledged",
    "mitigated": "incident.mitigated",
    "resolved": "incident.resolved",
    "reviewed": "incident.reviewed",
}


def acknowledge_incident(session: Session, principal: Principal, incident_id: str, *, words: str = "") -> None:
    """Say that one sees to it: who and when is kept.

    Raises:
        NotFound: there is no such incident here.
        NotAllowed: the caller may not see to it.
        NotNow: somebody did already.
    """
    _move(session, principal, incident_id, "acknowledged", words)


def mitigate_incident(session: Session, principal: Principal, incident_id: str, *, words: str = "") -> None:
    """Say that it does no more harm, though its cause may still be there; else as `acknowledge_incident`."""
    _move(session, principal, incident_id, "mitigated", words)


def resolve_incident(session: Session, principal: Principal, incident_id: str, *, words: str = "") -> None:
    """Say that it is over; else as `acknowledge_incident`. A pause stands until somebody resumes the agent."""
    _move(session, principal, incident_id, "resolved", words)


def review_incident(session: Session, principal: Principal, incident_id: str, *, words: str = "") -> None:
    """Say that its postmortem is whole; else as `acknowledge_incident`.

    Raises:
        NotNow: it is not resolved, or cause, lessons, or the owner of an open task are missing.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    lacking = missing(session, row)
    if row.state == "resolved" and lacking:
        raise NotNow(f"Not yet: {' '.join(lacking)}", code="postmortem_incomplete", extra={"missing": list(lacking)})
    _move(session, principal, incident_id, "reviewed", words)


def set_severity(session: Session, principal: Principal, incident_id: str, *, severity: Severity, reason: str) -> None:
    """Say that it is worse, or less bad, than it stands there. Raised to SEV-1 it pauses its agent.

    Raises:
        NotFound, NotAllowed: as for the moves; NotAllowed too where the caller may not pause the agent.
        NotNow: it is over, or has this severity.
        Malformed: no reason, or no severity.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    if severity not in SEVERITIES:
        raise Malformed(f"A severity is one of: {', '.join(SEVERITIES)}.", errors={"severity": ["unknown"]})
    why = checked(reason, "reason")
    if row.state not in FROM["resolved"]:
        raise NotNow(f"It is {row.state} already; its severity stays what it was.", code="incident_over")
    before: Any = row.severity
    if before == severity:
        raise NotNow(f"It is {SEVERITY_WORDS[severity]} already.", code="same_severity")
    row.severity, row.why_severity = severity, f"Set by {principal.name}: {why}"
    session.flush()
    words = f"From {SEVERITY_WORDS[before]} to {SEVERITY_WORDS[severity]}: {why}"
    add_entry(session, row, principal.actor, "severity", words, {"from": before, "to": severity})
    note(session, row, principal.actor, "incident.severity_set", {"from": before, "reason": why})
    add_checklist(session, row, principal.actor)
    if is_worse(severity, before):
        tell_people(session, row, severity)
    if severity == "sev1":
        pause_for(session, principal, row)


def say(session: Session, principal: Principal, incident_id: str, *, words: str) -> None:
    """Write a line into the timeline: what was found, tried or told, and what is expected when.

    Raises:
        NotFound, NotAllowed: as for the moves.
        Malformed: nothing is said, or too much.
        TooMuch: the timeline is full.
    """
    row = incident_for(session, principal, incident_id, "incident.manage")
    leave_room(session, row)
    add_entry(session, row, principal.actor, "said", checked(words, "words"))
    note(session, row, principal.actor, "incident.said")


def _move(session: Session, principal: Principal, incident_id: str, move: Move, words: str) -> None:
    row = incident_for(session, principal, incident_id, "incident.manage")
    said = checked(words, "words", least=0)
    moment = clock.now()
    done = session.execute(
        update(Incident)
        .where(Incident.id == row.id, Incident.state.in_(FROM[move]))
        .values(state=move, **_stamps(row, principal, move, moment))
        .returning(Incident.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(row)
    if len(done) != 1:
        raise NotNow(_too_late(row, move), code="incident_moved", extra={"state": row.state})
    add_entry(session, row, principal.actor, move, said or _SAID[move])
    tick(session, row, principal.actor, move)
    if move != "acknowledged":
        tick(session, row, principal.actor, "acknowledged")
    note(session, row, principal.actor, f"incident.{move}")
    tell_event(session, row, _EVENTS[move])


def _stamps(row: Incident, principal: Principal, move: Move, moment: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {}
    # Whoever has put it right has seen it.
    first = ("acknowledged", move) if row.acknowledged_at is None else (move,)
    for name in first:
        values |= {f"{name}_at": moment, f"{name}_by": principal.id, f"{name}_by_name": principal.name}
    if move == "resolved":
        values["open_key"] = None  # The same matter may open a new one from now on.
    return values


def _too_late(row: Incident, move: Move) -> str:
    state: Any = row.state
    name = getattr(row, f"{state}_by_name", None)
    if state == "open":
        return "This incident is open: acknowledge, mitigate or resolve it first."
    if move == "reviewed" and state != "reviewed":
        return f"This incident is {state}: resolve it first."
    return f"This incident was {state} already, by {name}."
