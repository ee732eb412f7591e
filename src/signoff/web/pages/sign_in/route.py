"""GET the form; POST it; sign out."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from signoff.kit.errors import NotSignedIn, TooMuch
from signoff.people.actions import sign_out as end_session
from signoff.web.coming_in import NOT_KEPT, come_in, network_address, user_agent
from signoff.web.flash import Flash, set_flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of
from signoff.web.identity import clear_pending_cookie, clear_session_cookie, session_token
from signoff.web.page import Page
from signoff.web.pages.sign_in.query import load
from signoff.web.targets import safe_target

router = APIRouter()
page = Page(__file__)

WRONG = "Check both, then try again. A forgotten password: get a link, below."


@router.get("/sign-in")
def sign_in(request: Request, next: str = "", why: str = "", left: str = "") -> Response:  # noqa: A002
    """The form. `left` is the identity provider of a session that was just ended."""
    with house_of(request).services.store.read() as session:
        view = load(session, target=safe_target(next), why=why, left=left)
    return page.draw(request, "page.html", view, headers=NOT_KEPT)


@router.post("/sign-in")
async def enter(request: Request, fields: Fields) -> Response:
    """Sign in, or the form again with what was wrong; which of the two fields it was is not told."""
    entrance, email, address = house_of(request).entrance, fields.text("email"), network_address(request)
    attempt = partial(entrance.sign_in, email, fields.text("password"), address=address, user_agent=user_agent(request))
    try:
        entered = await entrance.lanes.run(attempt, email=email, address=address)
    except (NotSignedIn, TooMuch) as refusal:
        return await run_in_threadpool(_again, request, fields, refusal)
    return come_in(request, entered, safe_target(fields.text("next")))


def _again(request: Request, fields: Form, refusal: NotSignedIn | TooMuch) -> Response:
    email, target = fields.text("email"), safe_target(fields.text("next"))
    with house_of(request).services.store.read() as session:
        advice = WRONG if refusal.code == "bad_credentials" else ""
        view = load(session, email=email, target=target, problem=refusal.detail, advice=advice)
    wait = getattr(refusal, "retry_after_seconds", None)
    headers = {**NOT_KEPT, **({"Retry-After": str(wait)} if wait else {})}
    return page.draw(request, "page.html", view, status=refusal.status, headers=headers)


@router.post("/sign-out")
def leave(request: Request) -> Response:
    """End the session here and on the server."""
    house = house_of(request)
    token = session_token(request)
    provider_id = None
    if token:
        with house.services.store.write() as session:
            provider_id = end_session(session, token)
    # A form may not lead to another site, so that the session over there is ended by a link on the next page.
    response = RedirectResponse(f"/sign-in?left={provider_id}" if provider_id else "/sign-in", status_code=303)
    clear_session_cookie(response, house.settings)
    clear_pending_cookie(response, house.settings)
    if provider_id is None:
        set_flash(response, Flash("You are signed out"))
    return response
