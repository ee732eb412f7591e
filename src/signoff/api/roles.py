"""Roles: the six that are built in, and those a workspace made for itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, answer
from signoff.api.desk import AtDesk, AtMakingDesk
from signoff.api.shapes import Body, Name
from signoff.api.shapes import router as make_router
from signoff.people import actions, custom_roles
from signoff.people.access import Principal
from signoff.people.custom_roles import RoleFacts
from signoff.people.levels import LEVEL_ACTIONS, LEVELS, Level
from signoff.people.roles import ACTIONS, Action, Reach

router = make_router("roles")

_SLUG = r"^[a-z][a-z0-9-]{0,31}$"
RoleSlug = Annotated[str, Path(pattern=_SLUG, description="The role's slug.", examples=["reviewer"])]
_Permissions = Annotated[
    dict[Action, Reach],
    Field(description="Action → how far: `all`, or `own` where a thing can be somebody's own. Left out: not at all."),
]
_Words = Annotated[str, Field(max_length=500)]


class NewRole(Body):
    """A role to make. It never reaches further than whoever makes it."""

    slug: Annotated[str, Field(pattern=_SLUG, description="It stays for ever.")]
    name: Name
    description: _Words = ""
    permissions: _Permissions


class RoleChange(Body):
    """What to change; fields left out stay. `permissions` replace those the role has."""

    name: Name | None = None
    description: _Words | None = None
    permissions: _Permissions | None = None


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """What a grant of this level allows on one agent."""

    level: Level
    actions: list[Action]


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of a workspace, built-in ones first, and the levels a grant can have."""

    items: list[RoleFacts]
    levels: list[LevelFacts]


@dataclass(frozen=True, slots=True)
class MadeRole:
    """The role that was made."""

    slug: str


@router.get("/v1/{workspace}/roles", response_model=Roles)
async def roles(desk: AtDesk) -> Response:
    """Every role of the workspace with what it allows, and what each level of a grant allows."""
    levels = [LevelFacts(level, [action for action in ACTIONS if action in LEVEL_ACTIONS[level]]) for level in LEVELS]
    return answer(Roles(await desk.read(custom_roles.roles), levels))


@router.post("/v1/{workspace}/roles", response_model=MadeRole, status_code=201)
async def create_role(desk: AtMakingDesk, body: NewRole) -> Response:
    """Make a role. Members and keys can carry it as they carry a built-in one."""

    def work(session: Session, principal: Principal) -> MadeRole:
        made = actions.create_role(
            session,
            principal,
            slug=body.slug,
            name=body.name,
            description=body.description,
            permissions={**body.permissions},
        )
        return MadeRole(made)

    return answer(await desk.make("role.create", body.model_dump(mode="json"), work), 201)


@router.get("/v1/{workspace}/roles/{role}", response_model=RoleFacts)
async def role(desk: AtDesk, role: RoleSlug) -> Response:
    """One role."""
    return answer(await desk.read(custom_roles.role, role))


@router.patch("/v1/{workspace}/roles/{role}", response_model=RoleFacts)
async def edit_role(desk: AtDesk, role: RoleSlug, body: RoleChange) -> Response:
    """Change a role of the workspace's own. It holds for whoever carries it from the next request on."""
    permissions = None if body.permissions is None else {**body.permissions}
    await desk.write(actions.edit_role, role, name=body.name, description=body.description, permissions=permissions)
    return answer(await desk.read(custom_roles.role, role))


@router.delete("/v1/{workspace}/roles/{role}", response_model=Done)
async def delete_role(desk: AtDesk, role: RoleSlug) -> Response:
    """Delete a role of the workspace's own. One that somebody carries stays, and the refusal says who."""
    await desk.write(actions.delete_role, role)
    return answer(Done())
