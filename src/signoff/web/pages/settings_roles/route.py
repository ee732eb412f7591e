"""GET the table of roles."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.settings_roles.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/settings/roles")
def settings_roles(request: Request, looker: Looker) -> Response:
    """The table."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)
