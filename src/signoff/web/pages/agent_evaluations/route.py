"""GET an agent's datasets and evaluations; POST a new dataset."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.evaluations.actions import create_dataset
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_evaluations.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/evaluations")
def agent_evaluations(request: Request, looker: Looker, agent: str, cursor: str = "") -> Response:
    """The page; for htmx what moves on it."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, cursor=cursor)
    return page.page_or_fragment(request, view, "_lists.html")


@router.post("/agents/{agent}/datasets")
def make(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Make a dataset, and go on to fill it."""
    made: list[str] = []

    def work(session: Session) -> None:
        found = create_dataset(
            session, looker.viewer, agent, name=fields.text("name"), description=fields.text("description"),
            is_golden=fields.is_on("is_golden"),
        )  # fmt: skip
        made.append(found)

    if refusal := attempt(request, work):
        with store_of(request).read() as session:
            view = load(
                session, looker.viewer, agent, form=fields, problem=refusal.detail, errors=refusal.errors
            )  # fmt: skip
        return page.draw(request, "page.html", view, status=refusal.status)
    to = looker.chrome.href(f"/agents/{agent}/datasets/{made[-1]}")
    return see_other(
        request, to, Flash("The dataset is made", "Now give it examples: what is asked, and what is right.")
    )
