"""The runs that show what went wrong: chosen by hand, or gathered because they failed around its beginning."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.incidents.at_that_time import failing_runs
from signoff.incidents.lookup import incident_for
from signoff.incidents.writing import add_entry, note, tick
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, TooMuch
from signoff.people.access import Principal
from signoff.record.actor import Actor
from signoff.runs.actions.cancel import run_for
from signoff.runs.filters import visible
from signoff.tables.incidents import Incident, IncidentRun
from signoff.tables.runs import Run
from signoff.tables.upsert import insert_into

RUNS_MAX = 500
AT_ONCE_MAX = 100


def add_runs(session: Session, principal: Principal, incident_id: str, runs: Sequence[str]) -> int:
    """Say that these runs show what went wrong; return how many are new there.

    Raises:
        NotFound: there is no such incident, or a run that the caller may see.
        NotAllowed: the caller may not see to this incident.
        Malformed: a run is of another agent than the incident, or there are none, or too many.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    wanted = list(dict.fromkeys(runs))
    if not 1 <= len(wanted) <= AT_ONCE_MAX:
        raise Malformed(f"From 1 to {AT_ONCE_MAX} runs at once.", errors={"runs": [f"from 1 to {AT_ONCE_MAX}"]})
    return attach(session, row, principal.actor, [run_for(session, principal, one, "run.read") for one in wanted])


def gather_runs(session: Session, principal: Principal, incident_id: str) -> int:
    """Add the runs of its agent that failed from an hour before it began until it was resolved, or until now, as far as
    the caller may see them. Returns how many are new there.

    Raises:
        NotFound, NotAllowed: as for `add_runs`.
        Malformed: the incident is about no agent.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    if row.agent_id is None:
        raise Malformed("This incident is about no single agent. Choose its runs by hand.")
    found = failing_runs(session, row, row.resolved_at or clock.now(), *visible(principal))
    if not found:
        return 0
    return attach(session, row, principal.actor, session.scalars(select(Run).where(Run.id.in_(found))).all())


def drop_run(session: Session, principal: Principal, incident_id: str, run_id: str) -> None:
    """Take a run away that shows nothing of it.

    Raises:
        NotFound: there is no such incident, or the run is not among its runs.
        NotAllowed: the caller may not see to this incident.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    gone = session.execute(
        delete(IncidentRun)
        .where(IncidentRun.incident_id == row.id, IncidentRun.run_id == run_id)
        .returning(IncidentRun.run_id)
        .execution_options(synchronize_session=False)
    ).all()
    if not gone:
        raise NotFound("This run is not among those of the incident.")
    add_entry(session, row, principal.actor, "evidence_dropped", "A run was taken away.", {"runs": [run_id]})
    note(session, row, principal.actor, "incident.run_dropped", {"run": run_id})


def attach(session: Session, row: Incident, by: Actor, runs: Sequence[Run]) -> int:
    """Attach runs of the incident's workspace, and of its agent where it has one; return how many are new there.

    Raises:
        Malformed: a run is of another agent.
        TooMuch: it has as many runs as are kept.
    """
    if any(row.agent_id not in (None, run.agent_id) or run.workspace_id != row.workspace_id for run in runs):
        raise Malformed("A run of another agent shows nothing of this incident.", errors={"runs": ["another agent's"]})
    have = session.scalar(select(func.count()).where(IncidentRun.incident_id == row.id)) or 0
    if have + len(runs) > RUNS_MAX:
        raise TooMuch(f"An incident keeps {RUNS_MAX} runs; this one has {have}.")
    moment = clock.now()
    values = [
        {"incident_id": row.id, "run_id": run.id, "workspace_id": row.workspace_id, "added_by_name": by.name,
         "added_at": moment}
        for run in runs
    ]  # fmt: skip
    if not values:
        return 0
    added = session.scalars(
        insert_into(session, IncidentRun).values(values).on_conflict_do_nothing().returning(IncidentRun.run_id)
    ).all()
    if added:
        what = (
            "1 run that shows it was attached." if len(added) == 1 else f"{len(added)} runs that show it were attached."
        )
        add_entry(session, row, by, "evidence", what, {"runs": sorted(added)[:AT_ONCE_MAX]})
        note(session, row, by, "incident.runs_added", {"runs": sorted(added)[:AT_ONCE_MAX]})
        tick(session, row, by, "evidence")
    return len(added)
