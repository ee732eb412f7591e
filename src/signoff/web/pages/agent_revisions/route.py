"""GET the revisions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.agent_revisions.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/revisions")
def agent_revisions(request: Request, looker: Looker, agent: str, cursor: str | None = None) -> Response:
    """The list."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, cursor=cursor)
    return page.draw(request, "page.html", view)
