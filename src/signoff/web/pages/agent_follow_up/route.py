"""GET what follows a release; POST what reading found, the end of a first week, and what came of a review."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.releases.follow_up.reading import end_by_hand, read_outputs
from signoff.releases.follow_up.reviews import do_review
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_follow_up.query import load

router = APIRouter()
page = Page(__file__)
_KEPT = ("note", "reason")


@router.get("/agents/{agent}/follow-up")
def agent_follow_up(request: Request, looker: Looker, agent: str, cursor: str | None = None) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, cursor=cursor)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/follow-up/read")
def read(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Say what reading some outputs of a day found."""

    def change(session: Session) -> None:
        read_outputs(
            session, looker.viewer, agent, environment=fields.text("environment"), day=fields.text("day") or None,
            reading="wrong" if fields.text("reading") == "wrong" else "right", runs=fields.texts("runs"),
            note=fields.text("note"),
        )  # fmt: skip

    return _do(request, looker, agent, change, fields, Flash("Your word is kept", "The day counts it."))


@router.post("/agents/{agent}/follow-up/end")
def end(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """End the first week before its time."""

    def change(session: Session) -> None:
        end_by_hand(session, looker.viewer, agent, environment=fields.text("environment"), reason=fields.text("reason"))

    done = Flash("Its first week is over", "It is reviewed each week from now on.", "wait")
    return _do(request, looker, agent, change, fields, done)


@router.post("/agents/{agent}/follow-up/reviews/{review}")
def review(request: Request, looker: Looker, agent: str, review: str, fields: Fields) -> Response:
    """Say what came of a review."""

    def change(session: Session) -> None:
        do_review(session, looker.viewer, review, note=fields.text("note"))

    return _do(request, looker, agent, change, fields, Flash("The review is done"))


def _do(
    request: Request, looker: Looking, agent: str, change: Callable[[Session], None], fields: Form, done: Flash
) -> Response:
    if refusal := attempt(request, change):
        typed = {name: fields.text(name) for name in _KEPT}
        with store_of(request).read() as session:
            view = load(session, looker.viewer, agent, typed=typed, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/follow-up"), done)
