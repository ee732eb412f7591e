"""GET the calendar of secrets."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.secret_calendar.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/secrets/expiring")
def secret_calendar(
    request: Request, looker: Looker, within: str = "90", environment: str = "all", cursor: str | None = None
) -> Response:
    """What runs out, the nearest first."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, span=within, environment=environment, cursor=cursor)
    return page.draw(request, "page.html", view)
