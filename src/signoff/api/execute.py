"""Start a run of an agent, and wait for its answer or not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import answer
from signoff.api.desk import AgentName, AtMakingDesk, Desk
from signoff.api.room import Room
from signoff.api.shapes import Body, Name, SlugText
from signoff.api.shapes import router as make_router
from signoff.gateways.model.affordable import reject_unaffordable
from signoff.kit.errors import BudgetExceeded, Malformed, NotNow
from signoff.people.access import Principal
from signoff.runs import actions
from signoff.runs.facts import RequestedRun
from signoff.runs.following import until_over
from signoff.runs.states import is_over
from signoff.runs.views import RunDetail

router = make_router("runs")

_Key = Annotated[str, Field(min_length=1, max_length=200)]
_Pinned = Annotated[
    Annotated[str, Field(pattern=r"^([0-9]{1,9}|rev_[a-z0-9]{1,60})$")] | Annotated[int, Field(ge=1, le=999_999_999)],
    Field(description="Id or number; else what is live."),
]


class Execute(Body):
    """What to run. `wait` keeps the answer until the run is over: true for as long as is allowed, or seconds."""

    input: Any = None
    revisionId: _Pinned | None = None  # noqa: N815
    environment: SlugText = "production"
    mode: Literal["live", "sandbox"] = "live"
    origin: Literal["production", "test"] = "production"
    wait: bool | Annotated[float, Field(ge=0, le=3600)] = False
    inputKey: _Key | None = Field(  # noqa: N815
        default=None,
        description="Names the input itself, such as a message id: the same one again answers with its run.",
    )
    stickyKey: _Key | None = Field(  # noqa: N815
        default=None,
        description="A customer, case or session: while a canary is under way, it stays with one revision. Without "
        "it `inputKey` or the run itself decides; `revisionId` pins whatever it is.",
    )
    title: Name | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """A run, as whoever started it sees it. `output` is there once `status` is `completed`."""

    id: str
    executionRecordId: str  # noqa: N815
    status: str
    revision: int
    revisionId: str  # noqa: N815
    output: Any
    code: str | None
    reason: str | None
    waitingFor: str | None  # noqa: N815
    isScripted: bool  # noqa: N815
    cost_usd: Decimal
    tokens_in: int
    tokens_out: int
    tool_calls: int
    created_at: datetime
    ended_at: datetime | None
    links: dict[str, str]


def execution(workspace: str, found: RunDetail) -> Execution:
    """Return a run as its starter sees it."""
    run = found.run
    return Execution(
        id=run.id,
        executionRecordId=run.id,
        status=run.state,
        revision=run.revision_number,
        revisionId=run.revision_id,
        output=found.output,
        code=run.code,
        reason=run.reason,
        waitingFor=run.waiting_for,
        isScripted=run.is_scripted,
        cost_usd=run.cost_usd,
        tokens_in=run.tokens_in,
        tokens_out=run.tokens_out,
        tool_calls=run.tool_calls,
        created_at=run.created_at,
        ended_at=run.ended_at,
        links=_links(workspace, run.id),
    )


def _just_queued(workspace: str, made: RequestedRun, created_at: datetime) -> Execution:
    """Return a run as its starter sees it before anything has become of it: nothing has to be read for that."""
    return Execution(
        id=made.id,
        executionRecordId=made.id,
        status=made.state,
        revision=made.revision_number,
        revisionId=made.revision_id,
        output=None,
        code=None,
        reason=None,
        waitingFor=None,
        isScripted=made.is_scripted,
        cost_usd=Decimal(0),
        tokens_in=0,
        tokens_out=0,
        tool_calls=0,
        created_at=created_at,
        ended_at=None,
        links=_links(workspace, made.id),
    )


def _links(workspace: str, run_id: str) -> dict[str, str]:
    here = f"/v1/{workspace}/runs/{run_id}"
    return {"run": here, "trace": f"{here}/steps", "events": f"{here}/events", "page": f"/w/{workspace}/runs/{run_id}"}


class RunRejected(NotNow):
    """The run was recorded and not started: its agent is disabled."""


@router.post(
    "/v1/{workspace}/agents/{agent}:execute",
    response_model=Execution,
    dependencies=[Room],
    responses={202: {"model": Execution, "description": "Started; `Location` says where to look."}},
)
async def execute(desk: AtMakingDesk, workspace: str, agent: AgentName, body: Execute) -> Response:
    """Start a run. With `wait`, 200 once it is over, or 202 with its address when that takes longer."""
    seconds = _seconds(desk, body.wait)
    begun: list[RequestedRun] = []

    def work(session: Session, principal: Principal) -> RequestedRun:
        found = actions.request_run(
            session,
            principal,
            agent=agent,
            input=body.input,
            environment=body.environment,
            revision=body.revisionId,
            origin=body.origin,
            source="api",
            mode=body.mode,
            input_key=body.inputKey,
            sticky_key=body.stickyKey,
            title=body.title,
        )
        begun.append(refused_for_money(session, desk, found))
        return begun[-1]

    asked = {"agent": agent, **body.model_dump(mode="json", exclude={"wait"})}
    made = await desk.make("agent.execute", asked, work)
    for now in begun:
        # Asked before under the same key, or rejected, it is read: something may have become of it.
        if now.id == made["id"] and now.state == "queued" and now.created_at is not None and not seconds:
            queued = _just_queued(workspace, now, now.created_at)
            return answer(queued, 202, {"Location": queued.links["run"]})
    return await answer_for(desk, workspace, made["id"], seconds)


def refused_for_money(session: Session, desk: Desk, found: RequestedRun) -> RequestedRun:
    """Return the run as it is once its money was looked at: rejected, in the same transaction, when there is none.

    A worker looks again before it begins, because money is used up meanwhile.
    """
    if found.state != "queued" or not found.is_new:
        return found
    reason = reject_unaffordable(session, desk.house.services, found.id)
    return replace(found, state="rejected", reason=reason) if reason is not None else found


def _seconds(desk: Desk, wait: bool | float) -> float:
    limit = desk.settings.wait_seconds_max
    if wait is True:
        return limit
    if wait > limit:
        text = f"at most {limit:g} seconds; for longer, watch the run's events"
        raise Malformed(f"`wait` is {text}.", errors={"wait": [text]})
    return float(wait)


async def answer_for(desk: Desk, workspace: str, run_id: str, seconds: float) -> Response:
    """Return the run now or once it is over, within `seconds`.

    Raises:
        BudgetExceeded, RunRejected: it was recorded and not started; `run` names the record.
    """
    found = await until_over(desk.store, desk.principal, run_id, seconds=seconds)
    run = found.run
    if run.state == "rejected":
        kind = BudgetExceeded if "budget" in (run.code or "") else RunRejected
        raise kind(run.reason or "The run was rejected.", code=run.code, extra={"run": run.id, "status": run.state})
    body = execution(workspace, found)
    is_asking = run.state == "waiting" and run.waiting_for not in (None, "sub_agent")
    is_final = is_over(run.state) or (seconds > 0 and is_asking)
    return answer(body, 200 if is_final else 202, {"Location": body.links["run"]})
