"""Agents, and what serves them where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.agents import actions, queries
from signoff.agents.states import AgentState
from signoff.agents.views import AgentFacts
from signoff.api.answers import Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Size
from signoff.api.shapes import Body, IdText, Json, Name, Reason, SlugText, Text
from signoff.api.shapes import router as make_router
from signoff.deployments import queries as deployments
from signoff.deployments.views import LiveFacts
from signoff.people.access import Principal

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
