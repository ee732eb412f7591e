"""GET the workspace; POST its name and time zone."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import Malformed
from signoff.people.actions import change_workspace
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_workspace.query import load
from signoff.web.refused import Refused

router = APIRouter()
page = Page(__file__)


@router.get("/settings/workspace")
def settings_workspace(request: Request, looker: Looker) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.post("/settings/workspace")
def change(request: Request, looker: Looker, fields: Fields) -> Response:
    """Rename it, or say when its days begin."""
    store = store_of(request)
    try:
        with store.write() as session:
            change_workspace(
                session, looker.viewer, name=fields.text("name"), time_zone=fields.text("time_zone").strip()
            )
    except Malformed as refusal:
        with store.read() as session:
            view = load(session, looker.viewer, Refused("workspace", refusal.detail, refusal.errors, fields))
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href("/settings/workspace"), Flash("The workspace is changed"))
