"""GET the tools of what serves, or of the draft."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.agent_tools.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/tools")
def agent_tools(request: Request, looker: Looker, agent: str, of: str = "") -> Response:
    """The tools."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, of=of)
    return page.draw(request, "page.html", view)
