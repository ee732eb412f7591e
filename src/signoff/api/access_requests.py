"""Requests for a role, or for a level on one agent."""

from __future__ import annotations

from fastapi import Response
from sqlalchemy.orm import Session

from signoff.agents.access_requests import AccessRequestFacts, RequestState
from signoff.agents.access_requests import access_requests as requests_page
from signoff.agents.actions import access_requests as actions
from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, Reason, RoleWord
from signoff.api.shapes import router as make_router
from signoff.people.access import Principal
from signoff.people.levels import Level

router = make_router("access-requests")


class NewRequest(Body):
    """A role; or an agent and a level on it. Why; whoever decides reads it."""

    role: RoleWord | None = None
    agent: IdText | None = None
    level: Level | None = None
    reason: Reason


class Refusal(Body):
    """Why not; whoever asked reads it."""

    reason: Reason


@router.get("/v1/{workspace}/access-requests", response_model=Listed[AccessRequestFacts])
async def access_requests(
    desk: AtDesk, state: RequestState | None = None, cursor: Cursor = None, size: Size = None
) -> Response:
    """The caller's own requests, and those the caller may decide, newest first."""
    return answer(listed(await desk.read(requests_page, state=state, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/access-requests", response_model=Made, status_code=201)
async def ask_access(desk: AtMakingDesk, body: NewRequest) -> Response:
    """Ask for a role, or for a level on an agent. Whoever may give it is told."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.ask_access(session, principal, **body.model_dump()))

    return answer(await desk.make("access.ask", body.model_dump(mode="json"), work), 201)


@router.post("/v1/{workspace}/access-requests/{request}:approve", response_model=Done)
async def approve_access(desk: AtDesk, request: Id) -> Response:
    """Give exactly what was asked for."""
    await desk.write(actions.approve_access, request)
    return answer(Done())


@router.post("/v1/{workspace}/access-requests/{request}:refuse", response_model=Done)
async def refuse_access(desk: AtDesk, request: Id, body: Refusal) -> Response:
    """Say no, and why."""
    await desk.write(actions.refuse_access, request, reason=body.reason)
    return answer(Done())


@router.post("/v1/{workspace}/access-requests/{request}:withdraw", response_model=Done)
async def withdraw_access(desk: AtDesk, request: Id) -> Response:
    """Take one's own request back."""
    await desk.write(actions.withdraw_access, request)
    return answer(Done())
