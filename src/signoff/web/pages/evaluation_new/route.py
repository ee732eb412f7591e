"""GET the form of an evaluation; POST asks for it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.evaluations.actions import request_evaluation
from signoff.kit.errors import Malformed
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.evaluation_new.query import DRAFT, SERVED, load

router = APIRouter()
page = Page(__file__)
_ASKED = ("dataset", "revision", "environment")


@router.get("/agents/{agent}/evaluate")
def evaluation_new(request: Request, looker: Looker, agent: str) -> Response:
    """The form. The address may choose for it."""
    asked = {name: (request.query_params[name],) for name in _ASKED if name in request.query_params}
    form = Form({"environment": (looker.environment.slug,), **asked})
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, form)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/evaluate")
def ask(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Ask for it, and go on to watch it."""
    made: list[str] = []

    def work(session: Session) -> None:
        revision = fields.text("revision")
        found = request_evaluation(
            session, looker.viewer, agent, fields.text("dataset"), environment=fields.text("environment"),
            revision=None if revision in (SERVED, DRAFT) else revision, draft=revision == DRAFT, cap_usd=_cap(fields),
        )  # fmt: skip
        made.append(found)

    if refusal := attempt(request, work):
        with store_of(request).read() as session:
            view = load(
                session, looker.viewer, agent, fields, problem=refusal.detail, errors=refusal.errors
            )  # fmt: skip
        return page.draw(request, "page.html", view, status=refusal.status)
    flash = Flash("The evaluation is asked for", "This page fills in as it goes on.")
    return see_other(request, looker.chrome.href(f"/evaluations/{made[-1]}"), flash)


def _cap(form: Form) -> Decimal | None:
    text = form.text("cap_usd").strip().removeprefix("$")
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        words = "Give dollars, such as 5 or 0.50."
        raise Malformed(words, errors={"cap_usd": [words]}) from None
