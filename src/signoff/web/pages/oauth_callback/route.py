"""GET what a provider sends back."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.connections.logins.authorising import complete_authorisation, refused_there
from signoff.kit.errors import NotSignedIn, Refusal
from signoff.tables.walls import bind
from signoff.web.flash import Flash
from signoff.web.house import house_of
from signoff.web.identity import SignInNeeded, session_token
from signoff.web.page import Page, see_other
from signoff.web.pages.oauth_callback.query import Arrival, CallbackView, load

router = APIRouter()
page = Page(__file__)
FRESH = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


@router.get("/oauth/callback")
async def oauth_callback(
    request: Request,
    state: str = "",
    code: str = "",
    error: str = "",
    error_description: str = "",
    iss: str | None = None,
) -> Response:
    """Take the code, once; or say what went wrong, and where to try again."""
    house = house_of(request)
    browser = session_token(request)
    if not browser:
        raise SignInNeeded("Sign in, then authorise the connection again.")
    arrival: Arrival | None = None
    try:
        # Which workspace it is, is what is being asked: the door's own store, which is bound to none.
        arrival = await house.services.store.read_async(
            load, state, browser, idle_seconds=house.settings.session_idle_seconds
        )
        bind(arrival.principal.workspace_id)
        if error or not code:
            reason = await house.store.write_async(
                refused_there, arrival.principal, arrival.back, error or "no_code", error_description or None
            )
            return _told(request, reason, arrival, 409)
        await complete_authorisation(
            house.store, house.services, arrival.principal, arrival.back, code=code[:4_000], issuer=iss
        )
    except NotSignedIn as refusal:
        raise SignInNeeded(refusal.detail, code=refusal.code) from None
    except Refusal as refusal:
        return _told(request, refusal.detail, arrival, refusal.status)
    return see_other(request, arrival.path, Flash("The connection is signed in", "Test it, or discover its tools."))


def _told(request: Request, reason: str, arrival: Arrival | None, status: int) -> Response:
    view = CallbackView(reason, f"{arrival.path}/login" if arrival else "")
    return page.draw(request, "page.html", view, status=status, headers=FRESH)
