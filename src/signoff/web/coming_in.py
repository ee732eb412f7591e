"""What the pages of the way in share: where to go on to, and what a browser gets after each step."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from signoff.people.facts import Pending, SignedIn
from signoff.web.flash import Flash
from signoff.web.house import house_of
from signoff.web.identity import clear_pending_cookie, set_pending_cookie, set_session_cookie
from signoff.web.page import see_other

# A page before the door is for one person at one moment.
NOT_KEPT = {"Cache-Control": "no-store"}


def network_address(request: Request) -> str:
    """Return the network address of the client; a trusted proxy's was already replaced by its client's."""
    return request.client.host if request.client else "unknown"


def user_agent(request: Request) -> str:
    """Return what the browser calls itself, shortened."""
    return request.headers.get("user-agent", "")[:300]


def come_in(request: Request, entered: SignedIn | Pending, target: str = "", flash: Flash | None = None) -> Response:
    """Answer a first step that was right: on to the page wanted, or to the second step."""
    settings = house_of(request).settings
    if isinstance(entered, Pending):
        place = "/sign-in/code" if entered.needs == "code" else "/sign-in/set-up"
        response = see_other(request, f"{place}?next={quote(target, safe='')}" if target else place)
        set_pending_cookie(response, settings, entered)
        return response
    response = see_other(request, target or f"/w/{entered.workspace_slug}", flash)
    hand_over(request, response, entered)
    return response


def hand_over(request: Request, response: Response, signed_in: SignedIn) -> None:
    """Give the browser its session, and take what led to it."""
    settings = house_of(request).settings
    set_session_cookie(response, settings, signed_in)
    clear_pending_cookie(response, settings)
