"""GET what would stop; POST the switch."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.connections.actions import disconnect as disconnect_now
from signoff.connections.actions import reconnect as reconnect_now
from signoff.connections.queries import connection as connection_detail
from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.connection_disconnect.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/connections/{connection}/disconnect")
def connection_disconnect(request: Request, looker: Looker, connection: str) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, connection)
    return page.draw(request, "page.html", view)


@router.post("/connections/{connection}/disconnect")
def disconnect(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Switch it off, everywhere, now."""
    reason = fields.text("reason")
    try:
        with store_of(request).write() as session:
            disconnect_now(session, looker.viewer, connection, reason=reason)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load(session, looker.viewer, connection, reason=reason[:500], problem=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status)
    flash = Flash("The connection is disconnected", "No call starts through it from now on. Its history stays.")
    return see_other(request, looker.chrome.href(f"/connections/{connection}"), flash)


@router.post("/connections/{connection}/reconnect")
def reconnect(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Take it back in place."""
    with store_of(request).write() as session:
        reconnect_now(session, looker.viewer, connection, slug=fields.text("slug").strip())
        name = connection_detail(session, looker.viewer, connection).row.name
    flash = Flash(f"{name} is back", "Authorise it, or enter its secrets, before agents use it.")
    return see_other(request, looker.chrome.href(f"/connections/{connection}"), flash)
