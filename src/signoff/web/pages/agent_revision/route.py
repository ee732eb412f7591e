"""GET a revision; POST: start the draft from it again, retire it, take that back."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import reset_draft
from signoff.agents.refusals import StaleDraft
from signoff.deployments.retiring import reinstate_revision, retire_revision
from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
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
            advice = "Look at the draft before you replace it."
            view = load(session, looker.viewer, agent, number, problem=refusal.detail, advice=advice)
        return page.draw(request, "page.html", view, status=refusal.status)
    done = Flash(f"The draft equals revision {number}", "Change it, then freeze it.")
    return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"), done)


@router.post("/agents/{agent}/revisions/{number}/retire")
def retire(request: Request, looker: Looker, agent: str, number: str, fields: Fields) -> Response:
    """Let nothing begin under it any more."""

    def change(session: Session) -> None:
        retire_revision(session, looker.viewer, agent, number, reason=fields.text("reason"))

    return _do(request, looker, (agent, number), change, Flash(f"Revision {number} has retired"))


@router.post("/agents/{agent}/revisions/{number}/reinstate")
def reinstate(request: Request, looker: Looker, agent: str, number: str, fields: Fields) -> Response:
    """Take its retirement back."""

    def change(session: Session) -> None:
        reinstate_revision(session, looker.viewer, agent, number, reason=fields.text("reason"))

    return _do(request, looker, (agent, number), change, Flash(f"Revision {number} may be released again"))


def _do(
    request: Request, looker: Looking, which: tuple[str, str], change: Callable[[Session], None], done: Flash
) -> Response:
    agent, number = which
    try:
        with store_of(request).write() as session:
            change(session)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load(session, looker.viewer, agent, number, problem="That was not done", advice=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/revisions/{number}"), done)
