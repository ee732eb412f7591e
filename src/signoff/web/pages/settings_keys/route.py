"""GET the list and the form; POST a new key, a rotation, the end of one.

A fresh key is drawn on the answer to its own POST: it is kept nowhere that a redirect could fetch it from.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.people.actions import create_key, end_overlap, revoke_key, rotate_key
from signoff.people.facts import NewKey
from signoff.web.address import public_address
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_keys.query import ALL, EXPIRIES, MINE, load, load_new

router = APIRouter()
page = Page(__file__)
SHOWN_ONCE = {"Cache-Control": "no-store"}
_OVERLAP_HOURS = ("0", "1", "24")
_ROTATED_DAYS = tuple(days for days, _ in EXPIRIES if days.isdigit())


@router.get("/settings/keys")
def settings_keys(
    request: Request, looker: Looker, cursor: str | None = None, account: Annotated[str, Query(max_length=63)] = ""
) -> Response:
    """The list; with `account`, of one service account."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, cursor=cursor, account=account)
    return page.draw(request, "page.html", view)


@router.get("/settings/keys/new")
def new(request: Request, looker: Looker, account: Annotated[str, Query(max_length=63)] = "") -> Response:
    """The form for a new one, of `account` if one is named."""
    form = Form({"owner": (account,)}) if account else None
    with store_of(request).read() as session:
        view = load_new(session, looker.viewer, form=form)
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
                service_account=_account(fields),
            )
    except Refusal as refusal:
        # Also "a key cannot do more than who makes it": that is about the form, not about the page.
        with store_of(request).read() as session:
            view = load_new(session, looker.viewer, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "new.html", view, status=refusal.status)
    return _with_key(request, looker, made, is_rotated=False)


def _account(fields: Form) -> str | None:
    chosen = fields.text("owner", MINE)
    return None if chosen == MINE else chosen


def _expiry(fields: Form) -> datetime | None:
    days = fields.text("expires")
    if days not in dict(EXPIRIES):
        raise Malformed("Choose when the key expires.", errors={"expires_at": ["Choose one of these."]})
    return clock.now() + timedelta(days=int(days)) if days.isdigit() else None


@router.post("/settings/keys/{key}/rotate")
def rotate(request: Request, looker: Looker, key: str, fields: Fields) -> Response:
    """Give a key a new secret and show it, this once."""
    try:
        overlap, days = fields.text("overlap", "0"), fields.text("end", "keep")
        end = clock.now() + timedelta(days=int(days)) if days in _ROTATED_DAYS else None
        with store_of(request).write() as session:
            made = rotate_key(
                session,
                looker.viewer,
                key,
                overlap_seconds=int(overlap) * 3600 if overlap in _OVERLAP_HOURS else 0,
                expires_at=end,
            )
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


@router.post("/settings/keys/{key}/end-overlap")
def end_old(request: Request, looker: Looker, key: str) -> Response:
    """End the old secret of a rotated key now."""
    with store_of(request).write() as session:
        end_overlap(session, looker.viewer, key)
    flash = Flash("The old secret has ended", "Only the new one lets anybody in.")
    return see_other(request, looker.chrome.href("/settings/keys"), flash)
