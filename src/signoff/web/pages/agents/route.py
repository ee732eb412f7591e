"""GET the list, whole or its rows."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.day import start_of_day
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial
from signoff.web.pages.agents.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents")
def agents(
    request: Request, looker: Looker, q: str = "", tag: str = "", state: str = "", cursor: str | None = None
) -> Response:
    """The list."""
    today = start_of_day(request)
    with store_of(request).read() as session:
        view = load(session, looker.viewer, today=today, q=q, tag=tag, state=state, cursor=cursor)
    if is_partial(request):
        # The address in the bar is the one worth sharing: without the filters that are not set.
        return page.draw(request, "_rows.html", view, headers={"HX-Replace-Url": looker.chrome.href(view.address)})
    return page.draw(request, "page.html", view)
