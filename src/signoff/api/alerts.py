"""What asks for attention."""

from __future__ import annotations

from fastapi import Response

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AtDesk, Cursor, Id, Size
from signoff.api.shapes import router as make_router
from signoff.watch import actions, queries
from signoff.watch.queries import AlertRow

router = make_router("alerts")


@router.get("/v1/{workspace}/alerts", response_model=Listed[AlertRow])
async def alerts(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """Alerts, open and resolved, newest first."""
    return answer(listed(await desk.read(queries.alerts_page, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/alerts/{alert}:resolve", response_model=Done)
async def resolve_alert(desk: AtDesk, alert: Id) -> Response:
    """Say that it is seen to."""
    await desk.write(actions.resolve_alert, alert)
    return answer(Done())
