"""GET an order to stop; asked for again by the page itself until it is done."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial
from signoff.web.pages.stop_order.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/stops/{order}")
def stop_order(request: Request, looker: Looker, order: str) -> Response:
    """The order; for htmx what changes of it."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, order)
    return page.draw(request, "_state.html" if is_partial(request) else "page.html", view)
