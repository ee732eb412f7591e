"""GET what the link is for; POST uses it up and signs in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import Malformed, Refusal
from signoff.people.facts import Pending, SignedIn
from signoff.web.coming_in import come_in, network_address, user_agent
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of
from signoff.web.page import Page
from signoff.web.pages.first_run.query import load

router = APIRouter()
page = Page(__file__)

# A link in an address must not travel on: not to a cache, not to the next site.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@router.get("/setup/{token}")
def first_run(request: Request, token: str) -> Response:
    """What the link is for. Opening it changes nothing, so a mail scanner that does so uses nothing up."""
    with house_of(request).services.store.read() as session:
        view = load(session, token)
    return page.draw(request, "page.html", view, status=200 if view.holder else 410, headers=HEADERS)


@router.post("/setup/{token}")
def redeem(request: Request, token: str, fields: Fields) -> Response:
    """Set the password (or, when asked to, leave it as it is), use the link up, sign in."""
    house = house_of(request)
    try:
        entered = _redeem(request, token, fields)
    except Refusal as refusal:
        with house.services.store.read() as session:
            view = load(session, token, name=fields.text("name"), problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status, headers=HEADERS)
    if isinstance(entered, Pending):
        return come_in(request, entered)
    next_time = (
        "The link is used up. Without a password, the next sign-in needs a new link."
        if fields.text("how") == "without"
        else "The link is used up; next time, sign in with your password."
    )
    return come_in(request, entered, flash=Flash(f"Welcome, {entered.principal.name}", next_time))


def _redeem(request: Request, token: str, fields: Form) -> SignedIn | Pending:
    password, again = fields.text("password"), fields.text("again")
    is_skipped = fields.text("how") == "without"
    if not is_skipped and password != again:
        sentence = "The two are not the same. Type the password twice."
        raise Malformed(sentence, errors={"again": [sentence]})
    return house_of(request).entrance.redeem(
        token,
        None if is_skipped else password,
        name=None if is_skipped or "name" not in fields else fields.text("name"),
        address=network_address(request),
        user_agent=user_agent(request),
    )
