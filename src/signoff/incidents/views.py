"""What is told of incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signoff.incidents.states import UNDER_WAY, Caught, IncidentState, Severity, Symptom, TaskKind


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """One incident. `agent` and `environment` are slugs; None where it is about no single one.

    `alert_id`: the alert it was opened by. `began_at`: since when it went wrong, as far as is known.
    """

    id: str
    title: str
    severity: Severity
    why_severity: str
    symptom: Symptom
    state: IncidentState
    agent: str | None
    agent_name: str | None
    environment: str | None
    alert_id: str | None
    began_at: datetime
    opened_at: datetime
    opened_by_name: str
    acknowledged_at: datetime | None
    acknowledged_by_name: str | None
    mitigated_at: datetime | None
    mitigated_by_name: str | None
    resolved_at: datetime | None
    resolved_by_name: str | None
    reviewed_at: datetime | None
    reviewed_by_name: str | None

    @property
    def is_under_way(self) -> bool:
        """Return whether it is not resolved yet."""
        return self.state in UNDER_WAY


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """Something to be done, or done. `owner_id`: the member who does it."""

    id: str
    kind: TaskKind
    title: str
    owner_id: str | None
    owner_name: str | None
    due_at: datetime | None
    made_by_name: str
    done_at: datetime | None
    done_by_name: str | None


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """One line of the timeline."""

    id: str
    at: datetime
    kind: str
    by: str
    text: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceRun:
    """A run that shows what went wrong."""

    id: str
    title: str
    agent: str
    revision_number: int
    state: str
    code: str | None
    reason: str | None
    created_at: datetime
    added_by_name: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Deploy:
    """What served when it began. `hours_before`: how long it had served by then; None: not by a release."""

    revision_id: str
    revision_number: int
    release_id: str | None
    release_state: str | None
    reason: str | None
    requested_by_name: str | None
    live_at: datetime | None
    hours_before: float | None
    candidate_release_id: str | None


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The last evaluation of what served that was over when it began: what it had said."""

    id: str
    dataset: str
    is_golden: bool
    verdict: str | None
    score: float | None
    baseline_score: float | None
    critical_lost: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Cases:
    """The runs that show it, as cases of datasets.

    Args:
        added: how many of them are in a dataset now.
        would_catch: of those the examples that an evaluation of what served then has since seen fail.
    """

    added: int
    would_catch: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Postmortem:
    """What was learnt: the people's words, and what was so at that time.

    Args:
        caught: whether a case would have caught it before it served, and `caught_by` which, or why not.
        missing: what has to be there before it can be reviewed; empty: nothing.
        version: pass it with a change.
    """

    impact: str
    cause: str
    lessons: str
    caught: Caught
    caught_by: str
    version: int
    deploy: Deploy | None
    evaluation: Evaluated | None
    cases: Cases
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IncidentDetail:
    """One incident with its tasks, its timeline and its postmortem. Lists are cut at what a page holds."""

    facts: IncidentFacts
    tasks: tuple[TaskFacts, ...]
    timeline: tuple[EntryFacts, ...]
    postmortem: Postmortem
    runs: int
    may_manage: bool

    @property
    def served_seconds(self) -> float | None:
        """Return how long what served had served when it began; None: nothing did, or not by a release."""
        deploy = self.postmortem.deploy
        if deploy is None or deploy.live_at is None:
            return None
        # A release is noted as live a moment after it has switched.
        return max((self.facts.began_at - deploy.live_at).total_seconds(), 0.0)
