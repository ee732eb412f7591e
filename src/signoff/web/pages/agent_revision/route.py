"""GET a revision; POST: start the draft from it again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.agents.actions import reset_draft
from signoff.agents.refusals import StaleDraft
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_revision.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/revisions/{number}")
def agent_revision(request: Request, looker: Looker, agent: str, number: str) -> Response:
    """The revision."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, number)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/revisions/{number}/draft")
def start_again(request: Request, looker: Looker, agent: str, number: str, fields: Fields) -> Response:
    """Make the draft equal to this revision, unless somebody saved it since this page was opened."""
    store, version = store_of(request), fields.text("version")
    seen = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
    try:
        with store.write() as session:
            reset_draft(session, looker.viewer, agent, revision=number, version=seen)
    except StaleDraft as refusal:
        with store.read() as session:
            view = load(session, looker.viewer, agent, number, problem=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status)
    done = Flash(f"The draft equals revision {number}", "Change it, then freeze it.")
    return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"), done)
