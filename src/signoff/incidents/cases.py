"""What evaluations have to do with an incident: what was known before, and its failing runs as cases from now on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from signoff.evaluations.actions import add_run_as_example
from signoff.evaluations.lookup import dataset_for
from signoff.incidents.lookup import incident_for
from signoff.incidents.views import Cases, Evaluated
from signoff.incidents.writing import add_entry, note, tick
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.runs.filters import visible
from signoff.tables.evaluations import Dataset, Evaluation, EvaluationResult, Example
from signoff.tables.incidents import Incident, IncidentRun
from signoff.tables.runs import Run

AT_ONCE_MAX = 100
_WHY_CHARS = 200
# Below this a case is seen to fail, as a verdict sees it.
_PASSES = 0.5


def add_cases(
    session: Session, principal: Principal, incident_id: str, dataset_id: str, *, is_critical: bool = True
) -> list[str]:
    """Add each failing run of the incident to a dataset as a case; return the examples' ids. Twice adds nothing.

    Raises:
        NotFound: there is no such incident or dataset here.
        NotAllowed: the caller may not see to the incident, or not edit the dataset.
        NotNow: no run of the dataset's agent that failed is attached, or the dataset is full.
    """
    row = incident_for(session, principal, incident_id, "incident.manage", lock=True)
    found, _ = dataset_for(session, principal, dataset_id, "dataset.edit", lock=True)
    failing = session.scalars(
        select(Run.id)
        .join(IncidentRun, IncidentRun.run_id == Run.id)
        .where(
            IncidentRun.incident_id == row.id, Run.state == "failed", Run.agent_id == found.agent_id,
            *visible(principal),
        )
        .order_by(Run.id)
        .limit(AT_ONCE_MAX)
    ).all()  # fmt: skip
    if not failing:
        raise NotNow("No failed run of this dataset's agent is attached. Gather them first.", code="no_failing_runs")
    before = _present(session, row.id, dataset_id)
    why = f"From the incident {row.id}: {row.title}"[:_WHY_CHARS]
    made = [
        add_run_as_example(session, principal, dataset_id, run, is_critical=is_critical, note=why) for run in failing
    ]
    new = len(set(made) - before)
    if new:
        words = f"{new} failing {'run is a case' if new == 1 else 'runs are cases'} of {found.name} now."
        add_entry(session, row, principal.actor, "cases", words, {"dataset": dataset_id, "examples": sorted(made)})
        note(session, row, principal.actor, "incident.cases_added", {"dataset": dataset_id, "examples": new})
    tick(session, row, principal.actor, "cases")
    return made


def cases(session: Session, row: Incident) -> Cases:
    """Return what became of the runs that show it as cases."""
    mine = _of_runs(row.id)
    added = session.scalar(select(func.count()).select_from(mine.where(Example.removed_in.is_(None)).subquery())) or 0
    if row.revision_id is None or not added:
        return Cases(added, ())
    failing = (
        select(EvaluationResult.example_id)
        .join(Evaluation, Evaluation.id == EvaluationResult.evaluation_id)
        .where(
            EvaluationResult.example_id.in_(mine), EvaluationResult.side == "candidate",
            EvaluationResult.state == "scored", EvaluationResult.score < _PASSES,
            Evaluation.revision_id == row.revision_id, Evaluation.workspace_id == row.workspace_id,
        )
        .distinct()
        .order_by(EvaluationResult.example_id)
        .limit(AT_ONCE_MAX)
    )  # fmt: skip
    return Cases(added, tuple(session.scalars(failing)))


def evaluated(session: Session, row: Incident) -> Evaluated | None:
    """Return what the last evaluation of what served had said when it began."""
    if row.evaluation_id is None:
        return None
    found = session.execute(
        select(Evaluation, Dataset.name, Dataset.is_golden)
        .join(Dataset, Dataset.id == Evaluation.dataset_id)
        .where(Evaluation.id == row.evaluation_id)
    ).one_or_none()
    if found is None:
        return None
    one: Any = found[0]
    return Evaluated(
        one.id, found[1], found[2], one.verdict, one.score, one.baseline_score, len(one.critical_lost), one.ended_at
    )


def _of_runs(incident_id: str) -> Select[str]:
    return (
        select(Example.id)
        .join(IncidentRun, IncidentRun.run_id == Example.from_run_id)
        .where(IncidentRun.incident_id == incident_id)
    )


def _present(session: Session, incident_id: str, dataset_id: str) -> set[str]:
    wanted = _of_runs(incident_id).where(Example.dataset_id == dataset_id, Example.removed_in.is_(None))
    return set(session.scalars(wanted))
