"""Incidents: what went wrong, how bad it is, who saw to it and when, and what was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, Moment, Name, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.incidents import cases, document, evidence, moving, postmortem, queries, tasks
from signoff.incidents.opening import Declared
from signoff.incidents.opening import declare_incident as declare
from signoff.incidents.rules import AlertRule, Rules, Step, SymptomRule, rules
from signoff.incidents.states import Caught, IncidentState, Severity, Symptom
from signoff.incidents.views import EntryFacts, EvidenceRun, IncidentDetail, IncidentFacts
from signoff.people.access import Principal, authorize

router = make_router("incidents")

_Agent = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="Id or slug: only incidents about it.")
]
_Run = Annotated[str, Field(pattern=r"^run_[a-z0-9]{1,60}$")]
_Words = Annotated[str, Field(max_length=2_000, description="For the timeline; what it is for is said otherwise.")]
_Long = Annotated[str, Field(max_length=10_000)]


class DeclareIncident(Body):
    """What went wrong. Without a severity it is as the rule for what is seen says; SEV-1 pauses the agent at once."""

    title: Name
    words: _Words = ""
    symptom: Symptom = "other"
    severity: Severity | None = None
    agent: Annotated[IdText | None, Field(description="Slug or id; none: the whole workspace.")] = None
    environment: SlugText | None = None
    alert: Annotated[IdText | None, Field(description="The alert that told of it.")] = None
    runs: Annotated[list[_Run] | None, Field(max_length=100, description="Runs that show it.")] = None
    began_at: Annotated[Moment | None, Field(description="Since when; now unless said.")] = None


class IncidentWords(Body):
    """What there is to say of it."""

    words: _Words = ""


class SayInIncident(Body):
    """What was found, tried or told, or what is expected when."""

    words: Annotated[str, Field(min_length=1, max_length=2_000)]


class SetIncidentSeverity(Body):
    """How bad it really is, and why. Raised to SEV-1 it pauses the agent."""

    severity: Severity
    reason: Annotated[Reason, Field(min_length=1)]


class AddIncidentRuns(Body):
    """Runs that show it, of the incident's agent."""

    runs: Annotated[list[_Run], Field(min_length=1, max_length=100)]


class AddIncidentCases(Body):
    """The dataset that its failing runs are added to."""

    dataset: IdText
    is_critical: Annotated[bool, Field(description="A revision that does one of them worse does not ship.")] = True


class AddIncidentTask(Body):
    """What follows from it, who does it and by when."""

    title: Annotated[str, Field(min_length=1, max_length=500)]
    owner_id: IdText | None = None
    due_at: Moment | None = None


class GiveIncidentTask(Body):
    """Who does it, and by when; null: nobody, and no day."""

    owner_id: IdText | None
    due_at: Moment | None = None


class WritePostmortem(Body):
    """What it came to, why, what was learnt, and whether a case would have caught it before it served."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="As you read it; 409 when it moved on since.")]
    impact: _Long = ""
    cause: _Long = ""
    lessons: _Long = ""
    caught: Caught = "unknown"
    caught_by: Annotated[str, Field(max_length=2_000, description="Which case, or why none.")] = ""


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """How bad what is, what an alert is a sign of, and what has to be done then. Any other alert is "other"."""

    symptoms: list[SymptomRule]
    alerts: list[AlertRule]
    checklist: list[Step]


@dataclass(frozen=True, slots=True)
class PostmortemText:
    """The postmortem as Markdown."""

    text: str


@dataclass(frozen=True, slots=True)
class Added:
    """How many runs are new there."""

    added: int


@dataclass(frozen=True, slots=True)
class CasesAdded:
    """The examples, those that were there already too."""

    examples: list[str]


@router.get("/v1/{workspace}/incidents", response_model=Listed[IncidentFacts])
async def incidents(
    desk: AtDesk,
    state: Annotated[IncidentState | None, Query(description="Only in this state.")] = None,
    is_under_way: Annotated[
        bool | None, Query(alias="open", description="Only what is not resolved yet, or what is.")
    ] = None,
    severity: Annotated[Severity | None, Query(description="Only of this severity.")] = None,
    agent: _Agent = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """Incidents, newest first; all, or those about one agent, in one state, of one severity."""
    page = await desk.read(
        queries.incidents_page, state=state, is_under_way=is_under_way, severity=severity, agent=agent, cursor=cursor,
        size=size,
    )  # fmt: skip
    return answer(listed(page))


@router.post("/v1/{workspace}/incidents", response_model=Made, status_code=201)
async def declare_incident(desk: AtMakingDesk, body: DeclareIncident) -> Response:
    """Declare an incident. Its timeline, its checklist and its postmortem begin; a SEV-1 pauses its agent at once."""
    said = Declared(
        title=body.title, words=body.words, symptom=body.symptom, severity=body.severity, agent=body.agent,
        environment=body.environment, alert_id=body.alert, runs=tuple(body.runs or ()), began_at=body.began_at,
    )  # fmt: skip

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=declare(session, principal, said))

    return answer(await desk.make("incident.declare", body.model_dump(mode="json"), work), 201)


@router.get("/v1/{workspace}/incident-rules", response_model=IncidentRules)
async def incident_rules(desk: AtDesk) -> Response:
    """The rules: how bad what is, which alerts open an incident by themselves, what has to be done then."""
    found: Rules = await desk.read(_rules)
    return answer(IncidentRules(found.symptom, found.alert, found.step))


@router.get("/v1/{workspace}/incidents/{incident}", response_model=IncidentDetail)
async def incident(desk: AtDesk, incident: Id) -> Response:
    """One incident: its facts, its tasks, the beginning of its timeline, its postmortem with what served then."""
    return answer(await desk.read(queries.incident, incident))


@router.post("/v1/{workspace}/incidents/{incident}:acknowledge", response_model=Done)
async def acknowledge_incident(desk: AtDesk, incident: Id, body: IncidentWords) -> Response:
    """Say that one sees to it; who and when is kept."""
    await desk.write(moving.acknowledge_incident, incident, words=body.words)
    return answer(Done())


@router.post("/v1/{workspace}/incidents/{incident}:mitigate", response_model=Done)
async def mitigate_incident(desk: AtDesk, incident: Id, body: IncidentWords) -> Response:
    """Say that it does no more harm."""
    await desk.write(moving.mitigate_incident, incident, words=body.words)
    return answer(Done())


@router.post("/v1/{workspace}/incidents/{incident}:resolve", response_model=Done)
async def resolve_incident(desk: AtDesk, incident: Id, body: IncidentWords) -> Response:
    """Say that it is over. An agent that was paused stays so until somebody resumes it."""
    await desk.write(moving.resolve_incident, incident, words=body.words)
    return answer(Done())


@router.post("/v1/{workspace}/incidents/{incident}:review", response_model=Done)
async def review_incident(desk: AtDesk, incident: Id, body: IncidentWords) -> Response:
    """Say that its postmortem is whole: it has a cause and lessons, and no open task is without an owner."""
    await desk.write(moving.review_incident, incident, words=body.words)
    return answer(Done())


@router.post("/v1/{workspace}/incidents/{incident}:severity", response_model=Done)
async def set_incident_severity(desk: AtDesk, incident: Id, body: SetIncidentSeverity) -> Response:
    """Say that it is worse, or less bad, with a reason. Raised to SEV-1 it pauses the agent."""
    await desk.write(moving.set_severity, incident, severity=body.severity, reason=body.reason)
    return answer(Done())


@router.get("/v1/{workspace}/incidents/{incident}/timeline", response_model=Listed[EntryFacts])
async def incident_timeline(desk: AtDesk, incident: Id, cursor: Cursor = None, size: Size = None) -> Response:
    """Who did what and when, the oldest first."""
    return answer(listed(await desk.read(queries.timeline_page, incident, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/incidents/{incident}/timeline", response_model=Done, status_code=201)
async def say_in_incident(desk: AtMakingDesk, incident: Id, body: SayInIncident) -> Response:
    """Write a line into the timeline."""

    def work(session: Session, principal: Principal) -> Done:
        moving.say(session, principal, incident, words=body.words)
        return Done()

    return answer(await desk.make("incident.say", {"incident": incident, "words": body.words}, work), 201)


@router.get("/v1/{workspace}/incidents/{incident}/runs", response_model=Listed[EvidenceRun])
async def incident_runs(desk: AtDesk, incident: Id, cursor: Cursor = None, size: Size = None) -> Response:
    """The runs that show it, newest first; of them those the caller may see."""
    return answer(listed(await desk.read(queries.evidence_page, incident, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/incidents/{incident}/runs", response_model=Added)
async def add_incident_runs(desk: AtDesk, incident: Id, body: AddIncidentRuns) -> Response:
    """Attach runs that show it; what is there already stays as it is."""
    return answer(Added(await desk.write(evidence.add_runs, incident, body.runs)))


@router.post("/v1/{workspace}/incidents/{incident}/runs:gather", response_model=Added)
async def gather_incident_runs(desk: AtDesk, incident: Id) -> Response:
    """Attach the runs of its agent that failed from an hour before it began on; at most 50 at once."""
    return answer(Added(await desk.write(evidence.gather_runs, incident)))


@router.delete("/v1/{workspace}/incidents/{incident}/runs/{run}", response_model=Done)
async def drop_incident_run(desk: AtDesk, incident: Id, run: Id) -> Response:
    """Take a run away that shows nothing of it. The run itself stays."""
    await desk.write(evidence.drop_run, incident, run)
    return answer(Done())


@router.post("/v1/{workspace}/incidents/{incident}/cases", response_model=CasesAdded)
async def add_incident_cases(desk: AtDesk, incident: Id, body: AddIncidentCases) -> Response:
    """Add each of its failing runs to a dataset as a case, so that the same would be caught. Twice adds nothing."""
    made = await desk.write(cases.add_cases, incident, body.dataset, is_critical=body.is_critical)
    return answer(CasesAdded(made))


@router.post("/v1/{workspace}/incidents/{incident}/tasks", response_model=Made, status_code=201)
async def add_incident_task(desk: AtMakingDesk, incident: Id, body: AddIncidentTask) -> Response:
    """Say what follows from it, who does it and by when."""

    def work(session: Session, principal: Principal) -> Made:
        given: dict[str, Any] = {"title": body.title, "owner_id": body.owner_id, "due_at": body.due_at}
        return Made(id=tasks.add_task(session, principal, incident, **given))

    asked = {"incident": incident, **body.model_dump(mode="json")}
    return answer(await desk.make("incident.task", asked, work), 201)


@router.put("/v1/{workspace}/incidents/{incident}/tasks/{task}", response_model=Done)
async def give_incident_task(desk: AtDesk, incident: Id, task: Id, body: GiveIncidentTask) -> Response:
    """Say who does a task, and by when."""
    await desk.write(tasks.give_task, incident, task, owner_id=body.owner_id, due_at=body.due_at)
    return answer(Done())


@router.post("/v1/{workspace}/incidents/{incident}/tasks/{task}:done", response_model=Done)
async def finish_incident_task(desk: AtDesk, incident: Id, task: Id) -> Response:
    """Say that a task is done; who and when is kept."""
    await desk.write(tasks.finish_task, incident, task)
    return answer(Done())


@router.post("/v1/{workspace}/incidents/{incident}/tasks/{task}:reopen", response_model=Done)
async def reopen_incident_task(desk: AtDesk, incident: Id, task: Id) -> Response:
    """Say that a task is not done after all."""
    await desk.write(tasks.reopen_task, incident, task)
    return answer(Done())


@router.get("/v1/{workspace}/incidents/{incident}/postmortem", response_model=PostmortemText)
async def postmortem_text(desk: AtDesk, incident: Id) -> Response:
    """The postmortem as Markdown, with timeline, deploy, runs and tasks; before anybody wrote it, its template."""
    return answer(PostmortemText(await desk.read(document.postmortem_text, incident)))


@router.put("/v1/{workspace}/incidents/{incident}/postmortem", response_model=Done)
async def write_postmortem(desk: AtDesk, incident: Id, body: WritePostmortem) -> Response:
    """Write the people's part of the postmortem."""
    await desk.write(
        postmortem.write_postmortem, incident, version=body.version, impact=body.impact, cause=body.cause,
        lessons=body.lessons, caught=body.caught, caught_by=body.caught_by,
    )  # fmt: skip
    return answer(Done())


def _rules(session: Session, viewer: Principal) -> Rules:
    authorize(viewer, "alert.read")
    return rules()
