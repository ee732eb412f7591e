"""GET the page; POST the beginning, the first code, new recovery codes, the end."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, Refusal
from signoff.people.own import person_of
from signoff.web.coming_in import NOT_KEPT
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking, keep_session_cookie
from signoff.web.page import Page, see_other
from signoff.web.pages.second_factor.query import load
from signoff.web.refused import Refused

router = APIRouter()
page = Page(__file__)


@router.get("/profile/second-factor")
def second_factor(request: Request, looker: Looker) -> Response:
    """The page. A secret that waits for its first code is not shown again: whoever lost it begins again."""
    return _draw(request, looker)


@router.post("/profile/second-factor")
def begin(request: Request, looker: Looker, fields: Fields) -> Response:
    """Begin: show the picture for the app, on this answer only."""
    entrance = house_of(request).entrance
    try:
        with store_of(request).read() as session:
            has_password = person_of(session, looker.viewer).has_password
        if has_password:
            entrance.check_password(looker.viewer, fields.text("password"))
        secret = entrance.own_factor.begin(looker.viewer)
    except NotAllowed:
        raise
    except Refusal as refusal:
        return _draw(request, looker, refused=_refused("begin", refusal), status=refusal.status)
    return _draw(request, looker, secret=secret)


@router.post("/profile/second-factor/confirm")
def confirm(request: Request, looker: Looker, fields: Fields) -> Response:
    """Turn it on, and show the recovery codes this once."""
    own = house_of(request).entrance.own_factor
    try:
        on = own.confirm(looker.viewer, fields.text("code"), session_id=looker.session_id)
    except Refusal as refusal:
        # Shown again to the browser it was shown to, which brings it along; not to whoever else has a session.
        secret = fields.text("secret")
        if not own.is_waiting(looker.viewer, secret):
            return _draw(request, looker, refused=Refused("confirm", refusal.detail), status=refusal.status)
        return _draw(request, looker, secret=secret, refused=_refused("confirm", refusal), status=refusal.status)
    response = _draw(request, looker, codes=on.codes, ended=on.ended)
    keep_session_cookie(response, house_of(request).settings, on.session_token)
    return response


@router.post("/profile/second-factor/codes")
def renew(request: Request, looker: Looker, fields: Fields) -> Response:
    """Replace the recovery codes, and show the new ones this once."""
    try:
        codes = house_of(request).entrance.own_factor.renew_codes(looker.viewer, fields.text("code"))
    except Refusal as refusal:
        return _draw(request, looker, refused=_refused("codes", refusal), status=refusal.status)
    return _draw(request, looker, codes=codes)


@router.post("/profile/second-factor/off")
def turn_off(request: Request, looker: Looker, fields: Fields) -> Response:
    """Take it away."""
    try:
        house_of(request).entrance.own_factor.turn_off(looker.viewer, fields.text("code"))
    except Refusal as refusal:
        return _draw(request, looker, refused=_refused("off", refusal), status=refusal.status)
    flash = Flash("Your second factor is off", "Your password alone opens your account now.", "wait")
    return see_other(request, looker.chrome.href("/profile"), flash)


def _refused(which: str, refusal: Refusal) -> Refused:
    return Refused(which, refusal.detail, refusal.errors)


def _draw(
    request: Request,
    looker: Looking,
    *,
    secret: str = "",
    codes: Sequence[str] = (),
    ended: int = 0,
    refused: Refused | None = None,
    status: int = 200,
) -> Response:
    with store_of(request).read() as session:
        told = refused or Refused()
        view = load(session, looker.viewer, secret=secret, codes=codes, ended=ended, refused=told)
    return page.draw(request, "page.html", view, status=status, headers=NOT_KEPT)
