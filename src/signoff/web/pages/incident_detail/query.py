"""What the page of one incident shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_by_slug, may_with_agent
from signoff.evaluations.queries import datasets_of
from signoff.incidents.queries import evidence_page, incident
from signoff.incidents.states import INCIDENT_STATES, SEVERITY_WORDS, IncidentState, Move, may_move
from signoff.incidents.views import EvidenceRun, IncidentDetail, TaskFacts
from signoff.people.access import Principal, can
from signoff.people.queries import members
from signoff.web.forms import Form

_WORDS: Mapping[IncidentState, str] = {
    "open": "Open", "acknowledged": "Acknowledged", "mitigated": "Mitigated", "resolved": "Resolved",
    "reviewed": "Reviewed",
}  # fmt: skip
_RUNS_SHOWN = 20
_MEMBERS_MAX = 200


@dataclass(frozen=True, slots=True)
class IncidentView:
    """The page.

    Args:
        way: the states it passes, each `done`, `here` or `next`.
        next_move: what the main button says; empty: nothing is left, or the viewer may not.
        paused: why the agent is paused, while it is.
        people: who may be given a task.
        datasets: to which its failing runs may be added.
        form: what stood in the form that was refused.
    """

    detail: IncidentDetail
    way: tuple[tuple[str, str], ...]
    moves: frozenset[str]
    checklist: tuple[TaskFacts, ...]
    follow_ups: tuple[TaskFacts, ...]
    runs: tuple[EvidenceRun, ...]
    older_runs: str | None
    paused: str
    agent_path: str
    people: tuple[tuple[str, str], ...]
    datasets: tuple[tuple[str, str], ...]
    severities: tuple[tuple[str, str], ...]
    form: Form
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def path(self) -> str:
        """Return where the page lies, below the workspace."""
        return f"/incidents/{self.detail.facts.id}"

    @property
    def done(self) -> int:
        """Return how many lines of the checklist are done."""
        return sum(1 for one in self.checklist if one.done_at is not None)


def load(
    session: Session,
    viewer: Principal,
    incident_id: str,
    *,
    cursor: str | None = None,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> IncidentView:
    """Return the view.

    Raises:
        NotFound: there is no such incident for the viewer.
    """
    found = incident(session, viewer, incident_id)
    facts = found.facts
    page = (
        evidence_page(session, viewer, incident_id, cursor=cursor, size=_RUNS_SHOWN)
        if can(viewer, "run.read")
        else None
    )
    moves: tuple[Move, ...] = ("acknowledged", "mitigated", "resolved", "reviewed")
    sees_agent = facts.agent is not None and can(viewer, "agent.read")
    return IncidentView(
        detail=found,
        way=tuple(_way(facts.state)),
        moves=frozenset(move for move in moves if found.may_manage and may_move(facts.state, move)),
        checklist=tuple(one for one in found.tasks if one.kind == "checklist"),
        follow_ups=tuple(one for one in found.tasks if one.kind == "follow_up"),
        runs=tuple(page.rows) if page else (),
        older_runs=f"/incidents/{facts.id}?cursor={page.next_cursor}" if page and page.next_cursor else None,
        paused=_paused(session, viewer, facts.agent) if sees_agent and facts.agent else "",
        agent_path=f"/agents/{facts.agent}" if sees_agent else "",
        people=_people(session, viewer) if found.may_manage else (),
        datasets=_datasets(session, viewer, facts.agent) if found.may_manage and sees_agent and facts.agent else (),
        severities=tuple((name, words) for name, words in SEVERITY_WORDS.items() if name != facts.severity),
        form=form or Form(),
        problem=problem,
        errors=errors or {},
    )


def _way(state: IncidentState) -> list[tuple[str, str]]:
    here = INCIDENT_STATES.index(state)
    last = len(INCIDENT_STATES) - 1
    return [
        (_WORDS[one], "done" if place < here or here == last else "here" if place == here else "next")
        for place, one in enumerate(INCIDENT_STATES)
    ]


def _paused(session: Session, viewer: Principal, slug: str) -> str:
    pause = agent_by_slug(session, viewer, slug).pause
    return pause.sentence if pause is not None else ""


def _datasets(session: Session, viewer: Principal, slug: str) -> tuple[tuple[str, str], ...]:
    """Return the datasets of the agent, the golden ones first; none where the viewer may not edit them."""
    if not may_with_agent(session, viewer, agent_by_slug(session, viewer, slug).id, "dataset.edit"):
        return ()
    found = sorted(datasets_of(session, viewer, slug), key=lambda one: not one.is_golden)
    return tuple((one.id, f"{one.name} (golden)" if one.is_golden else one.name) for one in found)


def _people(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    if not can(viewer, "member.read"):
        return (("", "Nobody yet"),)
    return (("", "Nobody yet"), *((one.id, one.name) for one in members(session, viewer, size=_MEMBERS_MAX).rows))
