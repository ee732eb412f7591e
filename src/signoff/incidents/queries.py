"""The reads of incidents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.incidents.cases import cases, evaluated
from signoff.incidents.lookup import incident_for, owners_of, seen_by
from signoff.incidents.postmortem import missing
from signoff.incidents.states import SEVERITIES, UNDER_WAY, IncidentState, Severity
from signoff.incidents.views import (
    Deploy,
    EntryFacts,
    EvidenceRun,
    IncidentDetail,
    IncidentFacts,
    Postmortem,
    TaskFacts,
)
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize, can
from signoff.runs.filters import visible
from signoff.tables.agents import Agent, Revision
from signoff.tables.incidents import Incident, IncidentEntry, IncidentRun, IncidentTask
from signoff.tables.keyset import newest_first, oldest_first
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.tables.runs import Run

UNDER_WAY_MAX = 100
_TIMELINE_SHOWN = 200
_TASKS_MAX = 200


def incidents_page(
    session: Session,
    viewer: Principal,
    *,
    state: IncidentState | None = None,
    is_under_way: bool | None = None,
    severity: Severity | None = None,
    agent: str | None = None,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[IncidentFacts]:
    """Return one page of incidents, newest first. `agent`: slug or id.

    Raises:
        NotAllowed: the viewer may see none.
        NotFound: there is no such agent.
        Malformed: the cursor is not one of this list.
    """
    authorize(viewer, "alert.read")
    wanted = _whole().where(*seen_by(viewer))
    if state is not None:
        wanted = wanted.where(Incident.state == state)
    if is_under_way is not None:
        wanted = wanted.where(Incident.state.in_(UNDER_WAY if is_under_way else ("resolved", "reviewed")))
    if severity is not None:
        wanted = wanted.where(Incident.severity == severity)
    if agent is not None:
        wanted = wanted.where(Incident.agent_id == agent_for(session, viewer, agent, "agent.read").id)
    page = newest_first(session, wanted, Incident.id, cursor=cursor, size=size)
    return Page([_facts(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def under_way(session: Session, viewer: Principal, *, agent: str | None = None) -> list[IncidentFacts]:
    """Return the incidents that are not resolved, the worst first and the newest of each; at most a hundred."""
    authorize(viewer, "alert.read")
    wanted = _whole().where(*seen_by(viewer), Incident.state.in_(UNDER_WAY))
    if agent is not None:
        wanted = wanted.where(Incident.agent_id == agent_for(session, viewer, agent, "agent.read").id)
    worst = case({name: place for place, name in enumerate(SEVERITIES)}, value=Incident.severity)
    rows = session.execute(wanted.order_by(worst, Incident.id.desc()).limit(UNDER_WAY_MAX))
    return [_facts(row) for row in rows]


def under_way_count(session: Session, viewer: Principal) -> int:
    """Return how many incidents are not resolved."""
    authorize(viewer, "alert.read")
    counted = select(func.count()).select_from(Incident).where(*seen_by(viewer), Incident.state.in_(UNDER_WAY))
    return session.scalar(counted) or 0


def incident(session: Session, viewer: Principal, incident_id: str) -> IncidentDetail:
    """Return one incident whole.

    Raises:
        NotFound: there is no such incident for the viewer.
        NotAllowed: the viewer may see none.
    """
    row = incident_for(session, viewer, incident_id, "alert.read")
    found = session.execute(_whole().where(Incident.id == row.id)).one()
    tasks = session.scalars(
        select(IncidentTask).where(IncidentTask.incident_id == row.id).order_by(IncidentTask.id).limit(_TASKS_MAX)
    )
    entries = session.scalars(
        select(IncidentEntry)
        .where(IncidentEntry.incident_id == row.id)
        .order_by(IncidentEntry.id)
        .limit(_TIMELINE_SHOWN)
    )
    return IncidentDetail(
        facts=_facts(found),
        tasks=tuple(_task(one) for one in tasks),
        timeline=tuple(_entry(one) for one in entries),
        postmortem=_postmortem(session, row),
        runs=session.scalar(_evidence(viewer, row.id).with_only_columns(func.count())) or 0,
        may_manage=can(viewer, "incident.manage", owners=owners_of(session, row), agent_id=row.agent_id,
                       environment_id=row.environment_id),
    )  # fmt: skip


def timeline_page(
    session: Session, viewer: Principal, incident_id: str, *, cursor: str | None = None, size: int | None = None
) -> Page[EntryFacts]:
    """Return one page of an incident's timeline, the oldest first.

    Raises:
        NotFound, NotAllowed: as for `incident`.
        Malformed: the cursor is not one of this list.
    """
    row = incident_for(session, viewer, incident_id, "alert.read")
    wanted = select(IncidentEntry).where(IncidentEntry.incident_id == row.id)
    page = oldest_first(session, wanted, IncidentEntry.id, cursor=cursor, size=size)
    return Page([_entry(one[0]) for one in page.rows], page.next_cursor, page.previous_cursor)


def evidence_page(
    session: Session, viewer: Principal, incident_id: str, *, cursor: str | None = None, size: int | None = None
) -> Page[EvidenceRun]:
    """Return one page of the runs that show it, newest first; of them those the viewer may see.

    Raises:
        NotFound, NotAllowed: as for `incident`.
        Malformed: the cursor is not one of this list.
    """
    row = incident_for(session, viewer, incident_id, "alert.read")
    page = newest_first(session, _evidence(viewer, row.id), Run.id, cursor=cursor, size=size)
    return Page([EvidenceRun(*one[:-1]) for one in page.rows], page.next_cursor, page.previous_cursor)


def incidents_of_alerts(session: Session, viewer: Principal, alert_ids: Iterable[str]) -> dict[str, IncidentFacts]:
    """Return the incidents that these alerts opened, by alert; one query."""
    wanted = list(alert_ids)
    if not wanted or not can(viewer, "alert.read"):
        return {}
    rows = session.execute(_whole().where(*seen_by(viewer), Incident.alert_id.in_(wanted)))
    return {row.Incident.alert_id: _facts(row) for row in rows}


def incidents_of_run(session: Session, viewer: Principal, run_id: str) -> list[IncidentFacts]:
    """Return the incidents that a run shows, newest first."""
    if not can(viewer, "alert.read"):
        return []
    wanted = _whole().join(IncidentRun, IncidentRun.incident_id == Incident.id)
    rows = session.execute(
        wanted.where(*seen_by(viewer), IncidentRun.run_id == run_id).order_by(Incident.id.desc()).limit(20)
    )
    return [_facts(row) for row in rows]


def _whole() -> Select[*tuple[Any, ...]]:
    agent: tuple[ColumnElement[Any], ...] = (Agent.slug.label("agent_slug"), Agent.name.label("agent_name"))
    return (
        select(Incident, *agent, Environment.slug.label("environment_slug"))
        .outerjoin(Agent, Agent.id == Incident.agent_id)
        .outerjoin(Environment, Environment.id == Incident.environment_id)
        .execution_options(populate_existing=True)
    )


def _facts(found: Row[*tuple[Any, ...]]) -> IncidentFacts:
    row: Any = found.Incident
    return IncidentFacts(
        id=row.id, title=row.title, severity=row.severity, why_severity=row.why_severity, symptom=row.symptom,
        state=row.state, agent=found.agent_slug, agent_name=found.agent_name, environment=found.environment_slug,
        alert_id=row.alert_id, began_at=row.began_at, opened_at=row.opened_at, opened_by_name=row.opened_by_name,
        acknowledged_at=row.acknowledged_at, acknowledged_by_name=row.acknowledged_by_name,
        mitigated_at=row.mitigated_at, mitigated_by_name=row.mitigated_by_name, resolved_at=row.resolved_at,
        resolved_by_name=row.resolved_by_name, reviewed_at=row.reviewed_at, reviewed_by_name=row.reviewed_by_name,
    )  # fmt: skip


def _task(row: IncidentTask) -> TaskFacts:
    kind: Any = row.kind
    return TaskFacts(
        row.id, kind, row.title, row.owner_id, row.owner_name, row.due_at, row.made_by_name, row.done_at,
        row.done_by_name,
    )  # fmt: skip


def _entry(row: IncidentEntry) -> EntryFacts:
    return EntryFacts(row.id, row.at, row.kind, row.actor_name, row.text, row.detail)


def _evidence(viewer: Principal, incident_id: str) -> Select[*tuple[Any, ...]]:
    shown = (Run.id, Run.title, Run.agent_slug, Run.revision_number, Run.state, Run.code, Run.reason, Run.created_at)
    return (
        select(*shown, IncidentRun.added_by_name, IncidentRun.added_at)
        .join(IncidentRun, IncidentRun.run_id == Run.id)
        .where(IncidentRun.incident_id == incident_id, *visible(viewer))
    )


def _postmortem(session: Session, row: Incident) -> Postmortem:
    caught: Any = row.caught
    return Postmortem(
        impact=row.impact, cause=row.cause, lessons=row.lessons, caught=caught, caught_by=row.caught_by,
        version=row.version, deploy=_deploy(session, row), evaluation=evaluated(session, row),
        cases=cases(session, row), missing=missing(session, row),
    )  # fmt: skip


def _deploy(session: Session, row: Incident) -> Deploy | None:
    if row.revision_id is None:
        return None
    number = session.scalar(select(Revision.number).where(Revision.id == row.revision_id)) or 0
    made = session.get(Release, row.release_id) if row.release_id else None
    live_at = made.live_at if made is not None else None
    return Deploy(
        revision_id=row.revision_id, revision_number=number, release_id=row.release_id,
        release_state=made.state if made else None, reason=made.reason if made else None,
        requested_by_name=made.requested_by_name if made else None, live_at=live_at,
        hours_before=round((row.began_at - live_at).total_seconds() / 3_600, 2) if live_at else None,
        candidate_release_id=row.candidate_release_id,
    )  # fmt: skip
