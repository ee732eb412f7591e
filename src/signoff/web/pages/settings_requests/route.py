"""GET the requests; POST one, an approval, a refusal, a withdrawal."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions.access_requests import approve_access, ask_access, refuse_access, withdraw_access
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_requests.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/settings/requests")
def settings_requests(
    request: Request, looker: Looker, cursor: str | None = None, agent: str = "", level: str = ""
) -> Response:
    """The requests; `agent` and `level` fill in the form."""
    form = Form({"agent": (agent[:100],), "level": (level[:40],)})
    with store_of(request).read() as session:
        view = load(session, looker.viewer, cursor=cursor, form=form)
    return page.draw(request, "page.html", view)


@router.post("/settings/requests")
def ask(request: Request, looker: Looker, fields: Fields) -> Response:
    """Ask."""

    def work(session: Session) -> None:
        ask_access(
            session, looker.viewer, reason=fields.text("reason"), role=fields.text("role") or None,
            agent=fields.text("agent") or None, level=fields.text("level") or None,
        )  # fmt: skip

    return _do(
        request, looker, fields, work, Flash("You have asked", "Whoever may give it sees it on their Home page.")
    )


@router.post("/settings/requests/approve")
def approve(request: Request, looker: Looker, fields: Fields) -> Response:
    """Give what was asked for."""

    def work(session: Session) -> None:
        approve_access(session, looker.viewer, fields.text("request"))

    return _do(request, looker, fields, work, Flash("Given", "It holds from the next request on."))


@router.post("/settings/requests/refuse")
def refuse(request: Request, looker: Looker, fields: Fields) -> Response:
    """Say no."""

    def work(session: Session) -> None:
        refuse_access(session, looker.viewer, fields.text("request"), reason=fields.text("answer"))

    return _do(request, looker, fields, work, Flash("Refused", "Whoever asked reads why on this page."))


@router.post("/settings/requests/withdraw")
def withdraw(request: Request, looker: Looker, fields: Fields) -> Response:
    """Take one's own request back."""

    def work(session: Session) -> None:
        withdraw_access(session, looker.viewer, fields.text("request"))

    return _do(request, looker, fields, work, Flash("Withdrawn"))


def _do(
    request: Request, looker: Looking, fields: Form, work: Callable[[Session], None], flash: Flash
) -> Response:  # fmt: skip
    store = store_of(request)
    if refusal := attempt(request, work, tells_rights=True):
        with store.read() as session:
            view = load(session, looker.viewer, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href("/settings/requests"), flash)
