"""GET everything: a form of ours may not lead to another site (`form-action 'self'`), a link may.

What a provider sends along is never drawn: an answer is let in, or refused in our own words.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from signoff.kit.errors import Refusal, TooMuch
from signoff.people.actions.attempts import LIFETIME_SECONDS
from signoff.people.single_sign_on import Answer
from signoff.people.sso_refusals import SsoRefused
from signoff.settings import Settings
from signoff.web.address import public_address
from signoff.web.coming_in import hand_over, network_address, user_agent
from signoff.web.house import house_of
from signoff.web.page import Page
from signoff.web.pages.sso.query import RefusedView, load, load_confirm
from signoff.web.targets import safe_target, workspace_in

router = APIRouter()
page = Page(__file__)

NOT_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
COOKIE, SECURE_COOKIE = "sso", "__Host-sso"
_PART_CHARS_MAX = 4_096


@router.get("/sign-in/sso")
def sso(request: Request, workspace: str = "", next: str = "") -> Response:  # noqa: A002
    """Which workspace, and its doors."""
    with house_of(request).services.store.read() as session:
        view = load(session, workspace=workspace, target=safe_target(next))
    return page.draw(request, "page.html", view, headers=NOT_KEPT)


@router.get("/sign-in/sso/{provider}/start")
async def start(request: Request, provider: str, next: str = "") -> Response:  # noqa: A002
    """Off to the provider; from another site's link only after a click here, or it could sign people in as others."""
    house, target = house_of(request), safe_target(next)
    if request.headers.get("sec-fetch-site") == "cross-site":
        view = await house.services.store.read_async(load_confirm, provider, target=target)
        return page.draw(request, "confirm.html", view, status=200 if view.door else 404, headers=NOT_KEPT)
    try:
        departure = await house.single_sign_on.begin(
            provider, redirect_uri=_callback(request, provider), target=target, address=network_address(request)
        )
    except (SsoRefused, TooMuch) as refusal:
        return _refused(request, refusal)
    response = RedirectResponse(departure.address, status_code=303, headers=NOT_KEPT)
    response.set_cookie(
        _cookie(house.settings),
        departure.token,
        max_age=LIFETIME_SECONDS,
        httponly=True,
        samesite="lax",
        secure=house.settings.is_https,
        path="/",
    )
    return response


@router.get("/sign-in/sso/{provider}/callback")
async def callback(
    request: Request,
    provider: str,
    state: str = "",
    code: str = "",
    error: str = "",
    iss: str = "",
) -> Response:
    """Back from the provider: in, or not."""
    house = house_of(request)
    token = request.cookies.get(_cookie(house.settings), "")
    answer = Answer(*(part[:_PART_CHARS_MAX] for part in (token, state, code, error, iss)))
    try:
        arrival = await house.single_sign_on.finish(
            provider,
            answer,
            redirect_uri=_callback(request, provider),
            address=network_address(request),
            user_agent=user_agent(request),
        )
    except Refusal as refusal:
        return _refused(request, refusal)
    # The session opens this workspace only: a page of another one would be told as none.
    slug, wanted = arrival.signed_in.workspace_slug, arrival.target
    where = wanted if wanted and workspace_in(wanted) in ("", slug) else f"/w/{slug}"
    response = RedirectResponse(where, status_code=303, headers=NOT_KEPT)
    hand_over(request, response, arrival.signed_in)
    _forget(response, house.settings)
    return response


@router.get("/sign-in/sso/{provider}/sign-out")
async def sign_out(request: Request, provider: str) -> Response:
    """On to the provider, to end the session there; back to our sign-in page when it offers no such thing."""
    try:
        where = await house_of(request).single_sign_on.sign_out_address(
            provider, back_to=f"{public_address(request)}/sign-in", address=network_address(request)
        )
    except TooMuch as refusal:
        return _refused(request, refusal)
    return RedirectResponse(where or "/sign-in", status_code=303, headers=NOT_KEPT)


def _refused(request: Request, refusal: Refusal) -> Response:
    is_flood = isinstance(refusal, TooMuch)
    title = "Too many at once" if is_flood else "You are not signed in"
    view = RefusedView(title, refusal.detail, str(getattr(request.state, "request_id", "")))
    response = page.draw(request, "refused.html", view, status=refusal.status, headers=NOT_KEPT)
    wait = getattr(refusal, "retry_after_seconds", None)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _forget(response: Response, settings: Settings) -> None:
    response.delete_cookie(_cookie(settings), path="/", secure=settings.is_https, httponly=True, samesite="lax")


def _cookie(settings: Settings) -> str:
    return SECURE_COOKIE if settings.is_https else COOKIE


def _callback(request: Request, provider: str) -> str:
    return f"{public_address(request)}/sign-in/sso/{provider}/callback"
