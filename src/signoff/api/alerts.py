"""What asks for attention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Response

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AtDesk, Cursor, Id, Size
from signoff.api.shapes import router as make_router
from signoff.watch import actions, queries
from signoff.watch.objectives import queries as keeping
from signoff.watch.objectives.queries import ObjectiveFacts
from signoff.watch.queries import AlertRow
from signoff.watch.told_queries import NoticeRow, notices_page

router = make_router("alerts")
_Agent = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="Id or slug: only alerts about it.")
]


@router.get("/v1/{workspace}/alerts", response_model=Listed[AlertRow])
async def alerts(desk: AtDesk, agent: _Agent = None, cursor: Cursor = None, size: Size = None) -> Response:
    """Alerts, open and resolved, newest first; all, or those about one agent."""
    return answer(listed(await desk.read(queries.alerts_page, agent=agent, cursor=cursor, size=size)))


@router.get("/v1/{workspace}/notices", response_model=Listed[NoticeRow])
async def notices(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """What people were told by itself: of runs that failed in production, and of alerts. Newest first, for 30 days."""
    return answer(listed(await desk.read(notices_page, cursor=cursor, size=size)))


@dataclass(frozen=True, slots=True)
class Objectives:
    """The service level objectives, as this workspace keeps them."""

    items: list[ObjectiveFacts]


@router.get("/v1/{workspace}/objectives", response_model=Objectives)
async def objectives(desk: AtDesk) -> Response:
    """Each service level objective: attained, what is left of its budget of errors, how fast it burns."""
    return answer(Objectives(await desk.read(keeping.objectives)))


@router.post("/v1/{workspace}/alerts/{alert}:resolve", response_model=Done)
async def resolve_alert(desk: AtDesk, alert: Id) -> Response:
    """Say that it is seen to."""
    await desk.write(actions.resolve_alert, alert)
    return answer(Done())
