"""GET the form; POST: find the provider, register, save, authorise, refresh, sign out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.connections.logins.authorising import begin_authorisation, obtain_as_client
from signoff.connections.logins.finding import find_provider, registered_setup
from signoff.connections.logins.queries import login_of
from signoff.connections.logins.refreshing import refresh_now
from signoff.connections.logins.revoking import forget_login
from signoff.connections.logins.rows import login_for
from signoff.connections.logins.setup import set_up_login
from signoff.kit.errors import NotAllowed, NotFound, NotNow, Refusal
from signoff.web.address import public_address
from signoff.web.connection_form import kept
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking, session_token
from signoff.web.page import Page, see_other
from signoff.web.pages.connection_login.query import AwayView, filled, load, setup_from

router = APIRouter()
page = Page(__file__)
FRESH = {"Cache-Control": "no-store"}


def return_address(request: Request) -> str:
    """Return where providers send people back to."""
    return f"{public_address(request)}/oauth/callback"


@router.get("/connections/{connection}/login")
def connection_login(request: Request, looker: Looker, connection: str) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, connection, return_address=return_address(request))
    return page.draw(request, "page.html", view, headers=FRESH)


@router.post("/connections/{connection}/login")
def save(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Set it up. What is wrong is said beside its field."""
    house = house_of(request)
    try:
        with house.store.write() as session:
            before = login_of(session, looker.viewer, connection)
            setup = setup_from(fields, before)
            set_up_login(session, looker.viewer, house.services.vault, connection, setup, settings=house.settings)
            after = login_of(session, looker.viewer, connection)
    except Refusal as refusal:
        return _again(request, looker, connection, refusal, form=kept_login(fields))
    is_in = after is not None and after.state == "active"
    text = "It stays signed in; authorise it again to get other scopes." if is_in else "Now authorise it."
    return _back(request, looker, connection, Flash("The login is set up", text))


@router.post("/connections/{connection}/login/find")
async def find(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Ask the system, or the provider that was typed, and fill the form with the answer."""
    house = house_of(request)
    issuer = fields.text("issuer").strip() or None
    try:
        found = await find_provider(house.store, house.services, looker.viewer, connection, issuer=issuer)
    except Refusal as refusal:
        return await house.store.run(_again, request, looker, connection, refusal, form=kept_login(fields))
    view = await house.store.read_async(
        load, looker.viewer, connection,
        return_address=return_address(request), form=filled(kept_login(fields), found), found=found,
    )  # fmt: skip
    return page.draw(request, "page.html", view, headers=FRESH)


@router.post("/connections/{connection}/login/register")
async def register(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Become a client of the provider, and set the login up with what it says."""
    house = house_of(request)
    issuer = fields.text("issuer").strip() or None
    try:
        found = await find_provider(house.store, house.services, looker.viewer, connection, issuer=issuer)
        setup = await registered_setup(house.services, found, redirect_uri=return_address(request))

        def keep(session: Session) -> None:
            set_up_login(session, looker.viewer, house.services.vault, connection, setup, settings=house.settings)

        await house.store.write_async(keep)
    except Refusal as refusal:
        return await house.store.run(_again, request, looker, connection, refusal, form=kept_login(fields))
    flash = Flash("Signoff is registered there", "The login is set up. Now authorise it.")
    return _back(request, looker, connection, flash)


@router.post("/connections/{connection}/login/authorise")
async def authorise(request: Request, looker: Looker, connection: str) -> Response:
    """Go to the provider, by a page that says where; or get a token without a person."""
    house = house_of(request)
    try:
        _, login = await house.store.read_async(login_for, looker.viewer, connection)
        if login.kind == "oauth_client_credentials":
            await obtain_as_client(house.store, house.services, looker.viewer, connection)
            flash = Flash("The connection is signed in", "Test it, or discover its tools.")
            return see_other(request, looker.chrome.href(f"/connections/{connection}"), flash)

        def begin(session: Session) -> AwayView:
            away = begin_authorisation(
                session, looker.viewer, house.services.vault, connection,
                browser=session_token(request) or "", redirect_uri=return_address(request),
            )  # fmt: skip
            return AwayView(away)

        view = await house.store.write_async(begin)
    except Refusal as refusal:
        return await house.store.run(_again, request, looker, connection, refusal)
    # By a link, not by a redirect: the policy of our pages lets no form lead to another site.
    return page.draw(request, "away.html", view, headers=FRESH)


@router.post("/connections/{connection}/login/refresh")
async def refresh(request: Request, looker: Looker, connection: str) -> Response:
    """Replace the token now."""
    house = house_of(request)
    try:
        _, login = await house.store.read_async(login_for, looker.viewer, connection, "connection.test")
        if not await refresh_now(house.store, house.services, login.id, login.version):
            now = await house.store.read_async(login_of, looker.viewer, connection)
            raise NotNow(f"The token was not replaced. {now.last_error if now and now.last_error else ''}".strip())
    except Refusal as refusal:
        return await house.store.run(_again, request, looker, connection, refusal)
    return _back(request, looker, connection, Flash("The token is fresh", "It is replaced by itself from now on, too."))


@router.post("/connections/{connection}/login/end")
def end(request: Request, looker: Looker, connection: str) -> Response:
    """Sign the connection out."""
    try:
        with store_of(request).write() as session:
            forget_login(session, looker.viewer, connection)
    except Refusal as refusal:
        return _again(request, looker, connection, refusal)
    flash = Flash("The connection is signed out", "Its tokens are given back to the provider. Calls are refused.")
    return _back(request, looker, connection, flash)


def kept_login(fields: Form) -> Form:
    """Return the form without what must not be sent back to a browser."""
    whole = kept(fields)
    return Form({name: texts for name, texts in whole.values.items() if name != "client_secret"})


def _back(request: Request, looker: Looking, connection: str, flash: Flash) -> Response:
    return see_other(request, looker.chrome.href(f"/connections/{connection}/login"), flash)


def _again(
    request: Request, looker: Looking, connection: str, refusal: Refusal, *, form: Form | None = None
) -> Response:
    """The page with the reason, and with what was typed."""
    if isinstance(refusal, NotAllowed | NotFound):
        raise refusal
    errors: Mapping[str, Sequence[str]] = refusal.errors
    more: dict[str, Any] = {"form": form, "problem": refusal.detail, "errors": errors}
    with store_of(request).read() as session:
        view = load(session, looker.viewer, connection, return_address=return_address(request), **more)
    return page.draw(request, "page.html", view, status=refusal.status, headers=FRESH)
