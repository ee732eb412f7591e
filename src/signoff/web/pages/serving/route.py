"""GET the board."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.serving.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/serving")
def serving(request: Request, looker: Looker, cursor: str | None = None) -> Response:
    """The board."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, cursor)
    return page.draw(request, "page.html", view)
