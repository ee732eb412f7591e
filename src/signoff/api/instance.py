"""The workspaces of the installation, for instance administrators: names and counts, never what is inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import Cursor, MakingDesk, Size, WorkspaceSlug
from signoff.api.house import house_of
from signoff.api.identity import Caller
from signoff.api.once import AtMostOnce, write_again
from signoff.api.shapes import Body, Name, Reason, SlugText
from signoff.api.shapes import router as make_router
from signoff.people import actions
from signoff.people.access import Principal
from signoff.people.instance_queries import WorkspaceCounts, instance_workspaces
from signoff.tables.session import Store, lifted

router = make_router("instance")


class NewWorkspace(Body):
    """A workspace and its first owner, who signs in with the password they have, or gets a link from `setup-link`."""

    slug: SlugText
    name: Name
    owner_email: Name
    owner_name: Name = "Owner"


class Suspension(Body):
    """Why a workspace is shut; its members read it."""

    reason: Annotated[Reason, Field(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True)
class MadeWorkspace:
    """A new workspace."""

    id: str
    slug: str
    owner: str


def _store(request: Request) -> Store:
    # It is about every workspace, so it is not bound to the caller's.
    return house_of(request).services.store


@router.get("/v1/instance/workspaces", response_model=Listed[WorkspaceCounts])
async def list_workspaces(
    request: Request,
    principal: Caller,
    q: Annotated[str, Query(max_length=100)] = "",
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The workspaces, newest first, with how much is in them. It takes an instance administrator's session."""
    page = await _store(request).read_async(instance_workspaces, principal, q=q, cursor=cursor, size=size)
    return answer(listed(page))


@router.post("/v1/instance/workspaces", response_model=MadeWorkspace, status_code=201)
async def create_workspace(request: Request, principal: Caller, once: AtMostOnce, body: NewWorkspace) -> Response:
    """Make a workspace with staging, production and an owner."""

    def work(session: Session, principal: Principal) -> MadeWorkspace:
        with lifted(session):  # What is made is another workspace than the caller's.
            made = actions.create_workspace(session, principal, **body.model_dump())
        return MadeWorkspace(made.workspace_id, body.slug, made.member_id)

    desk = MakingDesk(house_of(request), principal, once)
    return answer(await desk.make("workspace.create", body.model_dump(mode="json"), work), 201)


@router.post("/v1/instance/workspaces/{tenant}:suspend", response_model=Done)
async def suspend_workspace(request: Request, tenant: WorkspaceSlug, principal: Caller, body: Suspension) -> Response:
    """Shut a workspace: sign-in and keys are refused, no run starts, and those going stop at their next call."""
    await write_again(_store(request), actions.suspend_workspace, principal, tenant, reason=body.reason)
    return answer(Done())


@router.post("/v1/instance/workspaces/{tenant}:resume", response_model=Done)
async def resume_workspace(request: Request, tenant: WorkspaceSlug, principal: Caller) -> Response:
    """Open a suspended workspace again."""
    await write_again(_store(request), actions.resume_workspace, principal, tenant)
    return answer(Done())
