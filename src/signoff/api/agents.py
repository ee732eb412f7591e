"""Agents, and what serves them where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field, StrictBool
from sqlalchemy.orm import Session

from signoff.agents import actions, queries
from signoff.agents.states import AgentState
from signoff.agents.views import AgentFacts
from signoff.api.answers import Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Size
from signoff.api.shapes import Body, IdText, Json, Moment, Name, Reason, SlugText, Text
from signoff.api.shapes import router as make_router
from signoff.deployments import queries as deployments
from signoff.deployments.views import LiveFacts
from signoff.people.access import Principal
from signoff.runs import stops
from signoff.runs.actions import stop_agent as order_stop
from signoff.runs.stops import OpenRuns, StopFacts

router = make_router("agents")

_Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=50)]], Field(max_length=20)]


class NewAgent(Body):
    """An agent to make. `body` is the draft: SOP, model, tools, limits; as in agent.yaml."""

    slug: SlugText
    name: Name
    description: Text = ""
    body: Json | None = None
    tags: _Tags = Field(default_factory=list[str])
    owner_id: IdText | None = None
    backup_id: IdText | None = None


class AgentChange(Body):
    """What to change; fields left out stay."""

    name: Name | None = None
    description: Text | None = None
    tags: _Tags | None = None
    owner_id: IdText | None = None
    backup_id: IdText | None = None


class Switch(Body):
    """Why."""

    reason: Reason = ""


class Pause(Body):
    """Why, and until when; without an end it lasts until somebody resumes it."""

    reason: Annotated[Reason, Field(min_length=1)]
    until: Moment | None = None


class Stop(Body):
    """Why, and whether the agent is paused too, so that nothing takes the place of what was stopped."""

    reason: Annotated[Reason, Field(min_length=1)]
    pause: StrictBool = True


@dataclass(frozen=True, slots=True)
class AgentDetail:
    """An agent, and which revision serves it in each environment."""

    agent: AgentFacts
    live: list[LiveFacts]


@router.get("/v1/{workspace}/agents", response_model=Listed[AgentFacts])
async def agents(
    desk: AtDesk,
    q: Annotated[str, Query(max_length=200, description="Looked for in slug, name and description.")] = "",
    tag: Annotated[str | None, Query(max_length=50)] = None,
    state: AgentState | None = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The agents, newest first."""
    return answer(listed(await desk.read(queries.agents_page, q=q, tag=tag, state=state, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/agents", response_model=Made, status_code=201)
async def create_agent(desk: AtMakingDesk, body: NewAgent) -> Response:
    """Make an agent with a draft. Nothing of it runs before its first revision is frozen."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.create_agent(session, principal, **body.model_dump()))

    return answer(await desk.make("agent.create", body.model_dump(mode="json"), work), 201)


@router.get("/v1/{workspace}/agents/{agent}", response_model=AgentDetail)
async def agent(desk: AtDesk, agent: AgentName) -> Response:
    """One agent, and what serves it where."""
    return answer(await desk.read(_detail, agent))


def _detail(session: Session, viewer: Principal, name: str) -> AgentDetail:
    found = queries.agent_by_slug(session, viewer, name)
    live = deployments.live_revisions(session, viewer, [found.id])
    return AgentDetail(found, live.get(found.id, []))


@router.patch("/v1/{workspace}/agents/{agent}", response_model=AgentDetail)
async def edit_agent(desk: AtDesk, agent: AgentName, body: AgentChange) -> Response:
    """Change name, description, tags, owner or backup. The slug stays for ever."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    required = ("name", "description", "tags")
    changes = {field: value for field, value in changes.items() if value is not None or field not in required}
    await desk.write(actions.edit_agent, agent, **changes)
    return answer(await desk.read(_detail, agent))


@router.post("/v1/{workspace}/agents/{agent}:disable", response_model=AgentDetail)
async def disable_agent(desk: AtDesk, agent: AgentName, body: Switch) -> Response:
    """Refuse new runs from now on; running ones finish."""
    await desk.write(actions.disable_agent, agent, reason=body.reason)
    return answer(await desk.read(_detail, agent))


@router.post("/v1/{workspace}/agents/{agent}:enable", response_model=AgentDetail)
async def enable_agent(desk: AtDesk, agent: AgentName, body: Switch) -> Response:
    """Take runs again."""
    await desk.write(actions.enable_agent, agent, reason=body.reason)
    return answer(await desk.read(_detail, agent))


@router.post("/v1/{workspace}/agents/{agent}:pause", response_model=AgentDetail)
async def pause_agent(desk: AtDesk, agent: AgentName, body: Pause) -> Response:
    """Let nothing new start, whatever would start it. What runs goes on; what is queued waits until the end."""
    await desk.write(actions.pause_agent, agent, reason=body.reason, until=body.until)
    return answer(await desk.read(_detail, agent))


@router.post("/v1/{workspace}/agents/{agent}:resume", response_model=AgentDetail)
async def resume_agent(desk: AtDesk, agent: AgentName, body: Switch | None = None) -> Response:
    """End the pause. What was queued meanwhile starts."""
    await desk.write(actions.resume_agent, agent, reason=body.reason if body else "")
    return answer(await desk.read(_detail, agent))


@router.get("/v1/{workspace}/agents/{agent}/open-runs", response_model=OpenRuns)
async def open_runs(desk: AtDesk, agent: AgentName) -> Response:
    """How many runs a stop would hit now. It changes nothing."""
    return answer(await desk.read(stops.open_runs, agent))


@router.post("/v1/{workspace}/agents/{agent}:stop", response_model=StopFacts, status_code=202)
async def stop_agent(desk: AtMakingDesk, agent: AgentName, body: Stop) -> Response:
    """Cancel everything of an agent that is running, waiting and queued. The order says how far it is."""

    def work(session: Session, principal: Principal) -> StopFacts:
        order = order_stop(session, principal, agent, reason=body.reason, with_pause=body.pause)
        return stops.stop_order(session, principal, order)

    return answer(await desk.make("agent.stop", {"agent": agent, **body.model_dump(mode="json")}, work), 202)
