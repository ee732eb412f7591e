"""Who am I, which workspaces are mine, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response
from pydantic import Field, StrictBool
from sqlalchemy.orm import Session

from signoff.api.answers import answer
from signoff.api.desk import AtDesk, EnvironmentSlug
from signoff.api.house import house_of
from signoff.api.identity import Caller
from signoff.api.shapes import Body, IdText
from signoff.api.shapes import router as make_router
from signoff.people import actions, queries
from signoff.people.access import Principal, reach
from signoff.people.facts import EnvironmentFacts, WorkspaceFacts
from signoff.people.roles import ACTIONS

router = make_router("workspaces")


@dataclass(frozen=True, slots=True)
class Me:
    """The caller: what it is, where it belongs, and how far it may go (`action` → `all` or `own`)."""

    kind: str
    id: str
    name: str
    role: str
    workspace: str
    environment: str | None
    workspaces: list[str]
    permissions: dict[str, str]


@router.get("/v1/me", response_model=Me)
async def me(request: Request, principal: Caller) -> Response:
    """Who the key or the session belongs to."""
    return answer(await house_of(request).store.read_async(_me, principal))


def _me(session: Session, principal: Principal) -> Me:
    here = queries.workspace(session, principal)
    mine = [here.slug]
    if principal.person_id:
        mine = [found.slug for found in queries.workspaces_of(session, principal)]
    places = (
        {place.id: place.slug for place in queries.environments(session, principal)} if principal.environment_id else {}
    )
    granted = {action: far for action in ACTIONS if (far := reach(principal, action))}
    return Me(
        principal.kind,
        principal.id,
        principal.name,
        principal.role,
        here.slug,
        places.get(principal.environment_id or ""),
        mine,
        dict(granted),
    )


@router.get("/v1/{workspace}", response_model=WorkspaceFacts)
async def workspace(desk: AtDesk) -> Response:
    """One workspace."""
    return answer(await desk.read(queries.workspace))


@dataclass(frozen=True, slots=True)
class Environments:
    """The environments of a workspace, production last."""

    items: list[EnvironmentFacts]


@router.get("/v1/{workspace}/environments", response_model=Environments)
async def environments(desk: AtDesk) -> Response:
    """The environments; a key bound to one sees that one."""
    return answer(Environments(await desk.read(queries.environments)))


class DeployRules(Body):
    """Who may make a revision live here; a field left out stays."""

    is_deploy_restricted: StrictBool | None = Field(
        default=None, description="Only administrators, and whoever holds the level deployer or admin on the agent."
    )
    is_four_eyes: StrictBool | None = Field(default=None, description="Not whoever wrote the revision.")


@router.patch("/v1/{workspace}/environments/{environment}", response_model=EnvironmentFacts)
async def set_deploy_rules(desk: AtDesk, environment: EnvironmentSlug, body: DeployRules) -> Response:
    """Say who may make a revision live in an environment."""
    await desk.write(
        actions.set_deploy_rules,
        environment,
        is_restricted=body.is_deploy_restricted,
        is_four_eyes=body.is_four_eyes,
    )
    return answer(await desk.read(queries.environment_by_slug, environment))


class LastResort(Body):
    """The administrator to name."""

    member_id: IdText


@router.put("/v1/{workspace}/last-resort", response_model=WorkspaceFacts)
async def name_last_resort(desk: AtDesk, body: LastResort) -> Response:
    """Name the owner or administrator who may take emergency action on any agent, whatever grants say."""
    await desk.write(actions.name_last_resort, body.member_id)
    return answer(await desk.read(queries.workspace))
