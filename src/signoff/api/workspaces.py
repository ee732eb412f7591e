"""Who am I, which workspaces are mine, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Response
from pydantic import Field, StrictBool
from sqlalchemy.orm import Session

from signoff.api.answers import Done, answer
from signoff.api.desk import AtDesk, AtMakingDesk, WorkspaceSlug
from signoff.api.house import house_of
from signoff.api.identity import Caller
from signoff.api.shapes import Body, IdText, Name, SlugText, Usd
from signoff.api.shapes import router as make_router
from signoff.budgets.caps import set_environment_cap
from signoff.people import actions, queries
from signoff.people.access import Principal, authorize, reach
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
    """The environments of a workspace, in their order."""

    items: list[EnvironmentFacts]


@router.get("/v1/{workspace}/environments", response_model=Environments)
async def environments(desk: AtDesk) -> Response:
    """The environments; a key bound to one sees that one."""
    return answer(Environments(await desk.read(queries.environments)))


class WorkspaceChange(Body):
    """What is to be changed; what is left out stays."""

    name: Name | None = None
    time_zone: Annotated[str | None, Field(max_length=60, description="Such as Europe/Berlin: when a day begins.")] = (
        None
    )


@router.patch("/v1/{workspace}", response_model=WorkspaceFacts)
async def change_workspace(desk: AtDesk, body: WorkspaceChange) -> Response:
    """Rename the workspace, or say in which time zone its days begin."""
    await desk.write(actions.change_workspace, name=body.name, time_zone=body.time_zone)
    return answer(await desk.read(queries.workspace))


class NewEnvironment(Body):
    """A place with connections, secrets and a budget of its own."""

    slug: SlugText
    name: Name
    is_production: bool = False


class EnvironmentChange(Body):
    """What is to be changed; what is left out stays. `daily_cap_usd` null takes the cap away."""

    name: Name | None = None
    is_production: bool | None = None
    position: Annotated[int | None, Field(ge=0, le=100, description="Its place in lists, from 0.")] = None
    daily_cap_usd: Usd | None = None
    is_deploy_restricted: StrictBool | None = Field(
        default=None, description="Only administrators, and whoever holds the level deployer or admin on the agent."
    )
    is_four_eyes: StrictBool | None = Field(default=None, description="Not whoever wrote the revision.")


@router.post("/v1/{workspace}/environments", response_model=EnvironmentFacts, status_code=201)
async def create_environment(desk: AtMakingDesk, body: NewEnvironment) -> Response:
    """Make an environment with nothing in it."""

    def work(session: Session, principal: Principal) -> EnvironmentFacts:
        actions.create_environment(session, principal, **body.model_dump())
        return queries.environment_by_slug(session, principal, body.slug)

    return answer(await desk.make("environment.create", body.model_dump(mode="json"), work), 201)


@router.patch("/v1/{workspace}/environments/{environment}", response_model=EnvironmentFacts)
async def change_environment(desk: AtDesk, environment: WorkspaceSlug, body: EnvironmentChange) -> Response:
    """Rename, move, mark as production, cap what may be spent each day, say who deploys here. All of it, or none."""

    def work(session: Session, principal: Principal) -> EnvironmentFacts:
        authorize(principal, "environment.manage")
        actions.change_environment(session, principal, environment, name=body.name, is_production=body.is_production)
        if body.position is not None:
            actions.move_environment(session, principal, environment, position=body.position)
        if "daily_cap_usd" in body.model_fields_set:
            set_environment_cap(session, principal, environment, cap_usd=body.daily_cap_usd)
        actions.set_deploy_rules(
            session,
            principal,
            environment,
            is_restricted=body.is_deploy_restricted,
            is_four_eyes=body.is_four_eyes,
        )
        session.flush()
        return queries.environment_by_slug(session, principal, environment)

    return answer(await desk.write(work))


@router.delete("/v1/{workspace}/environments/{environment}", response_model=Done)
async def delete_environment(desk: AtDesk, environment: WorkspaceSlug) -> Response:
    """Take an environment away that nothing was ever done in."""
    await desk.write(actions.delete_environment, environment)
    return answer(Done())


class LastResort(Body):
    """The administrator to name."""

    member_id: IdText


@router.put("/v1/{workspace}/last-resort", response_model=WorkspaceFacts)
async def name_last_resort(desk: AtDesk, body: LastResort) -> Response:
    """Name the owner or administrator who may take emergency action on any agent, whatever grants say."""
    await desk.write(actions.name_last_resort, body.member_id)
    return answer(await desk.read(queries.workspace))
