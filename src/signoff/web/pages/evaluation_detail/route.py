"""GET one evaluation, whole or what moves; POST its end."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.evaluations.actions import cancel_evaluation
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.evaluation_detail.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/evaluations/{evaluation_id}")
def evaluation_detail(
    request: Request, looker: Looker, evaluation_id: str, view: str = "", cursor: str = ""
) -> Response:
    """The page; for htmx what moves on it."""
    with store_of(request).read() as session:
        found = load(session, looker.viewer, evaluation_id, view=view, cursor=cursor)
    return page.page_or_fragment(request, found, "_body.html")


@router.post("/evaluations/{evaluation_id}/cancel")
def cancel(request: Request, looker: Looker, evaluation_id: str) -> Response:
    """Call it off."""

    def work(session: Session) -> None:
        cancel_evaluation(session, looker.viewer, evaluation_id)

    if refusal := attempt(request, work):
        with store_of(request).read() as session:
            found = load(session, looker.viewer, evaluation_id, problem=refusal.detail)
        return page.draw(request, "page.html", found, status=refusal.status)
    flash = Flash("The evaluation is called off", "What it has measured stays to be read.", "wait")
    return see_other(request, looker.chrome.href(f"/evaluations/{evaluation_id}"), flash)
