"""GET the revisions; POST what serves."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.releases.actions import switch_live
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_revisions.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/revisions")
def agent_revisions(
    request: Request,
    looker: Looker,
    agent: str,
    cursor: str | None = None,
    live: str = "",
    environment: str = "",
) -> Response:
    """The list; `?live=3` opens the form that makes revision 3 live."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, cursor=cursor, live=live, environment=environment)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/revisions/{number}/live")
def make_live(request: Request, looker: Looker, agent: str, number: str, fields: Fields) -> Response:
    """Let a revision serve an environment. Going back to an older one is the same."""
    store, environment, reason = store_of(request), fields.text("environment"), fields.text("reason")
    try:
        switch_live(store, looker.viewer, agent, environment=environment, revision=number, reason=reason)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store.read() as session:
            view = load(
                session, looker.viewer, agent, live=number, environment=environment, reason=reason,
                problem=refusal.detail, errors=refusal.errors,
            )  # fmt: skip
        return page.draw(request, "page.html", view, status=refusal.status)
    done = Flash(f"Revision {number} serves {environment}", "Runs that have begun keep the revision they began with.")
    return see_other(request, looker.chrome.href(f"/agents/{agent}/revisions"), done)
