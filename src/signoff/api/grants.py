"""Who may do what on one agent beyond their role."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Response
from sqlalchemy.orm import Session

from signoff.agents import actions, grants
from signoff.agents.grants import AccessFacts, GrantFacts
from signoff.api.answers import Done, Made, answer
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Id
from signoff.api.shapes import Body, IdText, SlugText
from signoff.api.shapes import router as make_router
from signoff.people.access import Principal
from signoff.people.levels import Level

router = make_router("grants")


class NewGrant(Body):
    """Who gets which level on the agent: a member, or a service account by its slug. Whoever should edit and deploy
    gets both levels."""

    member_id: IdText | None = None
    service_account: SlugText | None = None
    level: Level


@dataclass(frozen=True, slots=True)
class Grants:
    """The grants on an agent, by the holder's name; at most 200."""

    items: list[GrantFacts]


@dataclass(frozen=True, slots=True)
class Access:
    """Everybody with something of their own to do with an agent, by name. What roles allow on every agent, the list of
    roles tells."""

    items: list[AccessFacts]


@router.get("/v1/{workspace}/agents/{agent}/access", response_model=Access)
async def agent_access(desk: AtDesk, agent: AgentName) -> Response:
    """Who may do what on an agent and why: as owner or backup, by a grant, as the owner of last resort."""
    return answer(Access(await desk.read(grants.access_to, agent)))


@router.get("/v1/{workspace}/agents/{agent}/grants", response_model=Grants)
async def agent_grants(desk: AtDesk, agent: AgentName) -> Response:
    """The grants on an agent."""
    return answer(Grants(await desk.read(grants.grants_on, agent)))


@router.post("/v1/{workspace}/agents/{agent}/grants", response_model=Made, status_code=201)
async def give_grant(desk: AtMakingDesk, agent: AgentName, body: NewGrant) -> Response:
    """Let a member or a service account do what a level includes on one agent, from the next request on. Nobody gives
    what they have not."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.give_grant(session, principal, agent, **body.model_dump()))

    return answer(await desk.make("grant.give", {"agent": agent, **body.model_dump(mode="json")}, work), 201)


@router.delete("/v1/{workspace}/agents/{agent}/grants/{grant}", response_model=Done)
async def take_grant(desk: AtDesk, agent: AgentName, grant: Id) -> Response:
    """Take a grant back, from the next request on."""
    await desk.write(actions.take_grant, agent, grant)
    return answer(Done())
