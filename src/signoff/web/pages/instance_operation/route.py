"""GET how the installation is operated: maintenance, objectives, and how it is tried."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import house_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.instance_operation.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/instance/operation")
def instance_operation(request: Request, looker: Looker) -> Response:
    """The page. It is about every workspace, so it is not bound to the viewer's."""
    with house_of(request).services.store.read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)
