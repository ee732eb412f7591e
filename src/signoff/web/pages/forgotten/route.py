"""GET the form; POST it. The answer is the same, and as fast, for an address that nobody has."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import Malformed, TooMuch
from signoff.people.emails import clean_email
from signoff.web.coming_in import NOT_KEPT, network_address
from signoff.web.forms import Fields
from signoff.web.house import house_of
from signoff.web.page import Page
from signoff.web.pages.forgotten.query import ForgottenView, load

router = APIRouter()
page = Page(__file__)


@router.get("/forgotten")
def forgotten(request: Request) -> Response:
    """The form; or, where no mail is sent, whom to ask."""
    return page.draw(request, "page.html", _view(request), headers=NOT_KEPT)


@router.post("/forgotten")
def ask(request: Request, fields: Fields) -> Response:
    """Have a link mailed, if there is such an account."""
    desk = house_of(request).entrance.forgotten
    email = fields.text("email")
    if desk is None:
        return page.draw(request, "page.html", _view(request), headers=NOT_KEPT)
    try:
        desk.ask(clean_email(email), address=network_address(request))
    except (Malformed, TooMuch) as refusal:
        wait = getattr(refusal, "retry_after_seconds", None)
        headers = {**NOT_KEPT, **({"Retry-After": str(wait)} if wait else {})}
        view = _view(request, email, problem=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status, headers=headers)
    return page.draw(request, "page.html", _view(request, email.strip(), is_asked=True), headers=NOT_KEPT)


def _view(request: Request, email: str = "", *, is_asked: bool = False, problem: str = "") -> ForgottenView:
    house = house_of(request)
    return load(
        email,
        sends_mail=house.entrance.forgotten is not None,
        seconds=house.settings.reset_link_seconds,
        is_asked=is_asked,
        problem=problem,
    )
