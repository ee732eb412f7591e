"""The orchestration form: runs with ids of the caller's choice, polled for their output.

The workspace is the key's. Everything here is also possible, with more, under `/v1/{workspace}/…`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import answer
from signoff.api.desk import MakingDesk
from signoff.api.execute import refused_for_money
from signoff.api.house import house_of
from signoff.api.identity import Caller
from signoff.api.once import AtMostOnce
from signoff.api.orchestration_errors import OrchestrationRoute
from signoff.api.room import Room
from signoff.api.shapes import Body, Moment
from signoff.kit.errors import BudgetExceeded, Malformed, NotNow
from signoff.people.access import Principal
from signoff.runs import actions, queries
from signoff.runs.external import run_id_for
from signoff.runs.facts import RequestedRun
from signoff.runs.filters import RunFilter
from signoff.runs.states import RunState
from signoff.runs.views import RunDetail, RunRow, StepRow


def _name_of(route: APIRoute) -> str:
    return route.name


router = APIRouter(tags=["orchestrations"], route_class=OrchestrationRoute, generate_unique_id_function=_name_of)

_Name = Annotated[str, Field(min_length=1, max_length=128)]
_RunName = Annotated[str, Path(pattern=r"^[\x21-\x2e\x30-\x7e]{1,128}$", description="`runId`, or our own id.")]


class RetryPolicy(Body):
    """How often a failed call is repeated: delay = backoffMs × multiplier^(n-1), at most maxBackoffMs.

    The bounds are checked. What holds for a run is the policy in its agent's revision, so that every run of a
    revision behaves alike.
    """

    maxRetries: Annotated[int, Field(ge=0, le=5)] = 1  # noqa: N815
    backoffMs: Annotated[int, Field(ge=0, le=10_000)] = 250  # noqa: N815
    multiplier: Annotated[float, Field(ge=1, le=10)] = 2.0
    maxBackoffMs: Annotated[int, Field(ge=0, le=60_000)] = 2_000  # noqa: N815


class OrchestrationStep(Body):
    """A piece of the task; the agent gets all of them, in order, as `steps` of its input."""

    stepId: _Name  # noqa: N815
    payload: Any = None
    retryPolicy: RetryPolicy | None = None  # noqa: N815


class OrchestrationRun(Body):
    """A run to start. `workflowId` is the agent's slug; the input is `input`, `payload`, or the `steps`."""

    runId: Annotated[str, Field(pattern=r"^[\x21-\x2e\x30-\x7e]{1,128}$")]  # noqa: N815
    workflowId: _Name  # noqa: N815
    input: Any = None
    payload: Any = None
    steps: Annotated[list[OrchestrationStep], Field(min_length=1, max_length=10)] | None = None
    retryPolicy: RetryPolicy | None = None  # noqa: N815
    stickyKey: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(  # noqa: N815
        default=None,
        description="A customer, case or session: while a canary is under way, it stays with one revision. Without "
        "it `runId` decides.",
    )


@dataclass(frozen=True, slots=True)
class Queued:
    """The run is recorded and will be carried out."""

    ok: bool
    runId: str  # noqa: N815
    runStatus: str  # noqa: N815
    id: str


@dataclass(frozen=True, slots=True)
class OrchestrationRow:
    """One run. `runId` is the caller's name for it, or ours."""

    runId: str  # noqa: N815
    id: str
    workflowId: str  # noqa: N815
    runStatus: str  # noqa: N815
    ok: bool
    errorMessage: str | None  # noqa: N815
    createdAt: datetime  # noqa: N815
    startedAt: datetime | None  # noqa: N815
    completedAt: datetime | None  # noqa: N815
    durationMs: int | None  # noqa: N815


@dataclass(frozen=True, slots=True)
class OrchestrationRuns:
    """Runs, newest first."""

    ok: bool
    runs: list[OrchestrationRow]


@dataclass(frozen=True, slots=True)
class OutputStep:
    """One model or tool call of the run. The last one's `output` is the final output."""

    stepId: str  # noqa: N815
    name: str
    succeeded: bool
    attemptCount: int  # noqa: N815
    output: Any


@dataclass(frozen=True, slots=True)
class RunOutput:
    """What the run gave."""

    steps: list[OutputStep]
    finalStepId: str | None  # noqa: N815
    finalOutput: Any  # noqa: N815


@dataclass(frozen=True, slots=True)
class OrchestrationSummary:
    """A run with its output; `runOutput` is null until it is completed."""

    ok: bool
    run: OrchestrationRow
    stepCount: int  # noqa: N815
    attemptCount: int  # noqa: N815
    runOutput: RunOutput | None  # noqa: N815


async def _desk(request: Request, principal: Caller, once: AtMostOnce) -> MakingDesk:
    return MakingDesk(house_of(request), principal, once)


_AtDesk = Annotated[MakingDesk, Depends(_desk)]


@router.post("/v1/orchestrations/run", response_model=Queued, status_code=202, dependencies=[Room])
async def start_orchestration(desk: _AtDesk, body: OrchestrationRun) -> Response:
    """Start a run under a name of your own; the same name again is 409."""
    given = _input(body)

    def work(session: Session, principal: Principal) -> RequestedRun:
        found = actions.request_run(
            session,
            principal,
            agent=body.workflowId,
            input=given,
            source="orchestration",
            external_id=body.runId,
            sticky_key=body.stickyKey,
        )
        return refused_for_money(session, desk, found)

    made = await desk.make("orchestration.run", body.model_dump(mode="json"), work)
    if made["state"] == "rejected":
        found = (await desk.read(queries.run, made["id"])).run
        kind = BudgetExceeded if "budget" in (found.code or "") else NotNow
        raise kind(found.reason or "The run was rejected.", code=found.code, extra={"run": found.id})
    return answer(Queued(True, body.runId, made["state"], made["id"]), 202)


def _input(body: OrchestrationRun) -> Any:
    steps = [step.model_dump(mode="json", include={"stepId", "payload"}) for step in body.steps or ()]
    given = [value for value in (body.input, body.payload, {"steps": steps} if steps else None) if value is not None]
    if len(given) != 1:
        text = "Give the input once: as `input`, as `payload`, or as `steps`."
        raise Malformed(text, errors={"input": [text]})
    return given[0]


@router.get("/v1/orchestrations/runs", response_model=OrchestrationRuns)
async def orchestration_runs(
    desk: _AtDesk,
    limit: Annotated[int, Query(ge=1, le=200)] = 30,
    workflow_id: Annotated[str | None, Query(alias="workflowId", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")] = None,
    run_status: Annotated[RunState | None, Query(alias="runStatus")] = None,
    date_from: Annotated[Moment | None, Query(alias="dateFrom")] = None,
    date_to: Annotated[Moment | None, Query(alias="dateTo")] = None,
) -> Response:
    """The workspace's runs, newest first."""
    states = (run_status,) if run_status else ()
    wanted = RunFilter(agent=workflow_id, states=states, since=date_from, until=date_to)
    page = await desk.read(queries.runs_page, wanted, None, limit)
    return answer(OrchestrationRuns(True, [_row(run) for run in page.rows]))


@router.get("/v1/orchestrations/runs/{run}", response_model=OrchestrationRow)
async def orchestration_run(desk: _AtDesk, run: _RunName) -> Response:
    """One run."""
    return answer(_row((await desk.read(_found, run)).run))


@router.get("/v1/orchestrations/runs/{run}/summary", response_model=OrchestrationSummary)
async def orchestration_summary(desk: _AtDesk, run: _RunName) -> Response:
    """One run with its steps and, once completed, its output."""
    return answer(await desk.read(_summary, run))


def _found(session: Session, viewer: Principal, name: str) -> RunDetail:
    return queries.run(session, viewer, run_id_for(session, viewer, name))


def _summary(session: Session, viewer: Principal, name: str) -> OrchestrationSummary:
    found = _found(session, viewer, name)
    steps = queries.steps(session, viewer, found.run.id)
    output = _output(steps, found) if found.run.state == "completed" else None
    return OrchestrationSummary(True, _row(found.run), len(steps), sum(step.attempts for step in steps), output)


def _output(steps: list[StepRow], found: RunDetail) -> RunOutput:
    told = [
        OutputStep(step.id, step.name, step.state in ("completed", "cached"), step.attempts, None) for step in steps
    ]
    if told:
        last = told[-1]
        told[-1] = OutputStep(last.stepId, last.name, True, last.attemptCount, found.output)
    return RunOutput(told, told[-1].stepId if told else None, found.output)


def _row(run: RunRow) -> OrchestrationRow:
    took = run.ended_at - run.created_at if run.ended_at else None
    return OrchestrationRow(
        runId=run.external_id or run.id,
        id=run.id,
        workflowId=run.agent_slug,
        runStatus=run.state,
        ok=run.state == "completed",
        errorMessage=run.reason if run.state != "completed" else None,
        createdAt=run.created_at,
        startedAt=run.started_at,
        completedAt=run.ended_at,
        durationMs=int(took.total_seconds() * 1000) if took else None,
    )
