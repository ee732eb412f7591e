"""Runs: find them, read them, stop them, do them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.execute import Execution, answer_for
from signoff.api.room import Room
from signoff.api.shapes import Body, IdText, Moment, Reason
from signoff.api.shapes import router as make_router
from signoff.kit import clock
from signoff.kit.errors import Refusal
from signoff.people.access import Principal
from signoff.runs import actions, family_views, queries, stops
from signoff.runs.facts import RequestedRun
from signoff.runs.filters import Children, RunFilter
from signoff.runs.states import Origin, RunState, Source
from signoff.runs.stops import StopFacts
from signoff.runs.views import FailureCluster, FamilyView, MessageRow, RunDetail, RunRow, StepDetail, StepRow

router = make_router("runs")

_Name = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a run in their order; `next_after_seq` is null at the end."""

    items: list[StepRow]
    next_after_seq: int | None


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of the run's conversation, oldest first."""

    items: list[MessageRow]


@dataclass(frozen=True, slots=True)
class Clusters:
    """Failures that look alike, the most frequent first."""

    items: list[FailureCluster]


class CancelMany(Body):
    """Which runs to call off: those named."""

    runs: Annotated[list[IdText], Field(min_length=1, max_length=200)]
    reason: Reason = ""


class CancelAll(Body):
    """Which runs under way to call off: all that fit. An empty filter is every run of the workspace."""

    reason: Annotated[Reason, Field(min_length=1)]
    agent: IdText | None = None
    environment: IdText | None = None
    states: Annotated[list[Literal["queued", "waiting", "running"]], Field(max_length=3)] = Field(
        default_factory=list[Literal["queued", "waiting", "running"]]
    )
    source: Source | None = None
    origin: Origin | None = None
    since: Moment | None = None
    until: Moment | None = None
    text: Annotated[str | None, Field(max_length=200)] = None


class Cancel(Body):
    """Why."""

    reason: Reason = ""


class Replay(Body):
    """A replay asks the model again and answers tool calls from the recording: nothing outside is touched."""

    wait: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What came of each run: its state now, or the code that says why not."""

    runs: dict[str, str]


@router.get("/v1/{workspace}/runs", response_model=Listed[RunRow])
async def runs(
    desk: AtDesk,
    agent: _Name = None,
    revision: Annotated[str | None, Query(pattern=r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$")] = None,
    state: Annotated[list[RunState] | None, Query(max_length=7, description="One or more.")] = None,
    source: Source | None = None,
    origin: Origin | None = None,
    environment: _Name = None,
    since: Annotated[Moment | None, Query()] = None,
    until: Annotated[Moment | None, Query()] = None,
    text: Annotated[str | None, Query(max_length=200, description="Looked for in title, input and ids.")] = None,
    needs_attention: bool | None = None,
    children: Annotated[Children, Query(description="Runs that runs of other agents asked for.")] = "all",
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The runs, newest first. All filters can be combined."""
    wanted = RunFilter(
        agent=agent,
        revision=int(revision) if revision and revision.isdecimal() else revision,
        states=tuple(state or ()),
        source=source,
        origin=origin,
        environment=environment,
        since=since,
        until=until,
        text=text,
        needs_attention=needs_attention,
        children=children,
    )
    return answer(listed(await desk.read(queries.runs_page, wanted, cursor, size)))


@router.get("/v1/{workspace}/runs:clusters", response_model=Clusters)
async def failure_clusters(desk: AtDesk, hours: Annotated[int, Query(ge=1, le=2_400)] = 24) -> Response:
    """How runs failed lately, grouped by code and step."""
    since = clock.now() - timedelta(hours=hours)
    return answer(Clusters(await desk.read(queries.failure_clusters, since)))


@router.post("/v1/{workspace}/runs:cancel", response_model=Cancelled)
async def cancel_runs(desk: AtDesk, body: CancelMany) -> Response:
    """Call several runs off. Each is told apart: one that is over already does not keep the others from stopping."""
    outcomes: dict[str, str] = {}
    for run_id in dict.fromkeys(body.runs):
        try:
            outcomes[run_id] = await desk.write(actions.cancel_run, run_id, reason=body.reason or None)
        except Refusal as refusal:
            outcomes[run_id] = refusal.code
    return answer(Cancelled(outcomes))


@router.post("/v1/{workspace}/runs:cancel-matching", response_model=StopFacts, status_code=202)
async def cancel_matching(desk: AtDesk, body: CancelAll) -> Response:
    """Call off every run under way that fits, however many. The order says how far it is."""
    given = body.model_dump(exclude={"reason", "states"})
    wanted = RunFilter(**given, states=tuple(body.states))
    order = await desk.write(actions.cancel_matching, wanted, reason=body.reason)
    return answer(await desk.read(stops.stop_order, order), 202)


@router.get("/v1/{workspace}/stops/{stop}", response_model=StopFacts)
async def stop_order(desk: AtDesk, stop: Id) -> Response:
    """An order to call many runs off: how far it is, and how long it took."""
    return answer(await desk.read(stops.stop_order, stop))


@router.get("/v1/{workspace}/runs/{run}", response_model=RunDetail)
async def run(desk: AtDesk, run: Id) -> Response:
    """One run: input, output, legs, acts."""
    return answer(await desk.read(queries.run, run))


@router.get("/v1/{workspace}/runs/{run}/family", response_model=FamilyView)
async def family(desk: AtDesk, run: Id) -> Response:
    """The runs of other agents that came of this one, or of the one it came of: a tree in order, with its cost."""
    return answer(await desk.read(family_views.family, run))


@router.get("/v1/{workspace}/runs/{run}/steps", response_model=Steps)
async def steps(
    desk: AtDesk, run: Id, after_seq: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0, size: Size = None
) -> Response:
    """The steps of a run, oldest first, each with its verdicts: why it acted, or did not."""
    found = await desk.read(queries.steps, run, after_seq=after_seq)
    count = size or 200
    following = found[count - 1].seq if len(found) > count else None
    return answer(Steps(found[:count], following))


@router.get("/v1/{workspace}/runs/{run}/steps/{step}", response_model=StepDetail)
async def step(
    desk: AtDesk,
    run: Id,
    step: Id,
    messages_from: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
    messages_size: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """One step with its bodies; for a model call also what the model was shown."""
    return answer(await desk.read(queries.step, run, step, messages_from=messages_from, messages_size=messages_size))


@router.get("/v1/{workspace}/runs/{run}/messages", response_model=Messages)
async def messages(
    desk: AtDesk,
    run: Id,
    first: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    size: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """The conversation of a run, from message `first` on."""
    return answer(Messages(await desk.read(queries.messages_page, run, first=first, size=size)))


@router.post(
    "/v1/{workspace}/runs/{run}:cancel",
    status_code=202,
    response_model=None,
    responses={
        202: {"description": "It runs; the call in flight is being ended."},
        204: {"description": "It was not running, and is cancelled."},
    },
)
async def cancel_run(desk: AtDesk, run: Id, body: Cancel | None = None) -> Response:
    """Call a run off. 204: cancelled at once. 202: it will stop in a moment. 409: it is over."""
    state = await desk.write(actions.cancel_run, run, reason=(body.reason if body else "") or None)
    return Response(status_code=204 if state == "cancelled" else 202, headers={"Cache-Control": "no-store"})


@router.post("/v1/{workspace}/runs/{run}:acknowledge", response_model=Done)
async def acknowledge_run(desk: AtDesk, run: Id) -> Response:
    """Say that it was looked at: it no longer asks for attention."""
    await desk.write(actions.acknowledge_run, run)
    return answer(Done())


@router.post(
    "/v1/{workspace}/runs/{run}:replay",
    response_model=Execution,
    dependencies=[Room],
    responses={202: {"model": Execution, "description": "Started; `Location` says where to look."}},
)
async def replay_run(desk: AtMakingDesk, workspace: str, run: Id, body: Replay | None = None) -> Response:
    """Do a run again from its recording: same revision, same input, no tool touched."""
    original = await desk.read(queries.run, run)

    def work(session: Session, principal: Principal) -> RequestedRun:
        return actions.request_run(
            session, principal, agent=original.run.agent_id, input=None, source="replay", mode="replay", replay_of=run
        )

    made = await desk.make("run.replay", {"run": run}, work)
    wait = body is not None and body.wait
    return await answer_for(desk, workspace, made["id"], desk.settings.wait_seconds_max if wait else 0)
