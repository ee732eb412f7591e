"""Who am I, which workspaces are mine, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response
from sqlalchemy.orm import Session

from signoff.api.answers import answer
from signoff.api.desk import AtDesk
from signoff.api.house import house_of
from signoff.api.identity import Caller
from signoff.api.shapes import router as make_router
from signoff.people import queries
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
