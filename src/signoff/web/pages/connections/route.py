"""GET the list, whole or its rows."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial
from signoff.web.pages.connections.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/connections")
def connections(
    request: Request, looker: Looker, environment: str = "", kind: str = "", state: str = "", cursor: str | None = None
) -> Response:
    """The list, of the environment the viewer looks at unless the address says another."""
    with store_of(request).read() as session:
        view = load(
            session,
            looker.viewer,
            environment=environment or looker.environment.slug,
            kind=kind,
            state=state,
            cursor=cursor,
        )
    if is_partial(request):
        return page.draw(request, "_rows.html", view, headers={"HX-Replace-Url": looker.chrome.href(view.address)})
    return page.draw(request, "page.html", view)
