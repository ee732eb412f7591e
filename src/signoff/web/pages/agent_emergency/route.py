"""GET the emergency page; POST the way back. The stops are those of the overview."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.releases.actions import roll_back_now
from signoff.releases.activations import try_soon
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_emergency.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/emergency")
def agent_emergency(request: Request, looker: Looker, agent: str) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/go-back")
def go_back(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Let serve again what served before. Without a revision, what is on trial is taken away."""
    store = store_of(request)
    place, number = fields.text("environment"), fields.text("revision")
    try:
        made = roll_back_now(
            store, looker.viewer, agent, environment=place, to_revision=number or None, reason=fields.text("reason")
        )
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store.read() as session:
            view = load(session, looker.viewer, agent, problem=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status)
    with store.write() as session:
        try_soon(session, made)
    words = f"Revision {number} serves {place} again" if number else f"What serves {place} gets everything again"
    done = Flash(words, "Runs that had begun go on with theirs.", "ok")
    return see_other(request, looker.chrome.href(f"/agents/{agent}/emergency"), done)
