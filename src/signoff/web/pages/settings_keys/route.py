"""GET the list and the form; POST a new key, a rotation, the end of one.

A fresh key is drawn on the answer to its own POST: it is kept nowhere that a redirect could fetch it from.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.people.actions import create_key, revoke_key, rotate_key
from signoff.people.facts import NewKey
from signoff.web.address import public_address
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_keys.query import ALL, EXPIRIES, load, load_new

router = APIRouter()
page = Page(__file__)
SHOWN_ONCE = {"Cache-Control": "no-store"}


@router.get("/settings/keys")
def settings_keys(request: Request, looker: Looker, cursor: str | None = None) -> Response:
    """The list."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, cursor=cursor)
    return page.draw(request, "page.html", view)


@router.get("/settings/keys/new")
def new(request: Request, looker: Looker) -> Response:
    """The form for a new one."""
    with store_of(request).read() as session:
        view = load_new(session, looker.viewer)
    return page.draw(request, "new.html", view)


@router.post("/settings/keys")
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make a key and show it, this once."""
    try:
        with store_of(request).write() as session:
            made = create_key(
                session,
                looker.viewer,
                name=fields.text("name"),
                preset=fields.text("preset"),
                scopes=fields.texts("scopes"),
                environment=None if fields.text("environment") == ALL else fields.text("environment"),
                expires_at=_expiry(fields),
            )
    except Refusal as refusal:
        # Also "a key cannot do more than who makes it": that is about the form, not about the page.
        with store_of(request).read() as session:
            view = load_new(session, looker.viewer, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "new.html", view, status=refusal.status)
    return _with_key(request, looker, made, is_rotated=False)


def _expiry(fields: Form) -> datetime | None:
    days = fields.text("expires")
    if days not in dict(EXPIRIES):
        raise Malformed("Choose when the key expires.", errors={"expires_at": ["Choose one of these."]})
    return clock.now() + timedelta(days=int(days)) if days.isdigit() else None


@router.post("/settings/keys/{key}/rotate")
def rotate(request: Request, looker: Looker, key: str) -> Response:
    """Give a key a new secret and show it, this once."""
    try:
        with store_of(request).write() as session:
            made = rotate_key(session, looker.viewer, key)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load(session, looker.viewer, problem=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status)
    return _with_key(request, looker, made, is_rotated=True)


def _with_key(request: Request, looker: Looking, made: NewKey, *, is_rotated: bool) -> Response:
    with store_of(request).read() as session:
        view = load(session, looker.viewer, made=made, is_rotated=is_rotated, address=public_address(request))
    return page.draw(request, "page.html", view, status=200 if is_rotated else 201, headers=SHOWN_ONCE)


@router.post("/settings/keys/{key}/revoke")
def revoke(request: Request, looker: Looker, key: str) -> Response:
    """End a key."""
    with store_of(request).write() as session:
        revoke_key(session, looker.viewer, key)
    flash = Flash("The key is revoked", "It stops working with the next request.")
    return see_other(request, looker.chrome.href("/settings/keys"), flash)
