"""GET the profile; POST name and zone, a password, the end of sessions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from signoff.kit.errors import Malformed, NotAllowed, Refusal
from signoff.people.actions import change_profile, revoke_every_session, revoke_session
from signoff.web.coming_in import NOT_KEPT
from signoff.web.flash import Flash, set_flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking, clear_session_cookie, keep_session_cookie
from signoff.web.page import Page, see_other
from signoff.web.pages.profile.query import load
from signoff.web.refused import Refused

router = APIRouter()
page = Page(__file__)


@router.get("/profile")
def profile(request: Request, looker: Looker) -> Response:
    """The page."""
    return _draw(request, looker)


@router.post("/profile")
def save(request: Request, looker: Looker, fields: Fields) -> Response:
    """Change name, time zone and shortcuts."""
    try:
        with store_of(request).write() as session:
            change_profile(
                session,
                looker.viewer,
                name=fields.text("name"),
                time_zone=fields.text("time_zone") or None,
                has_single_keys=fields.is_on("has_single_keys"),
            )
    except (Malformed, NotAllowed) as refusal:
        return _draw(request, looker, Refused("you", refusal.detail, refusal.errors, fields), refusal.status)
    return see_other(request, looker.chrome.href("/profile"), Flash("Your profile is saved"))


@router.post("/profile/password")
def change_password(request: Request, looker: Looker, fields: Fields) -> Response:
    """Change the password: all sessions end, and this browser gets a fresh one."""
    try:
        signed_in = house_of(request).entrance.change_password(
            looker.viewer, old=fields.text("old"), new=_twice(fields), session_id=looker.session_id
        )
    except Refusal as refusal:
        return _draw(request, looker, Refused("password", refusal.detail, refusal.errors), refusal.status)
    flash = Flash("The password is changed", "Every other browser is signed out.")
    response = see_other(request, looker.chrome.href("/profile"), flash)
    keep_session_cookie(response, house_of(request).settings, signed_in.session_token)
    return response


@router.post("/profile/sessions/end")
def end_one(request: Request, looker: Looker, fields: Fields) -> Response:
    """Sign one other browser out."""
    with store_of(request).write() as session:
        revoke_session(session, looker.viewer, fields.text("session"))
    return see_other(request, looker.chrome.href("/profile"), Flash("That browser is signed out"))


@router.post("/profile/sessions/end-others")
def end_others(request: Request, looker: Looker) -> Response:
    """Sign every other browser out."""
    with store_of(request).write() as session:
        revoke_every_session(session, looker.viewer, but=looker.session_id)
    return see_other(request, looker.chrome.href("/profile"), Flash("Every other browser is signed out"))


@router.post("/profile/sessions/end-all")
def end_all(request: Request, looker: Looker) -> Response:
    """Sign out everywhere, here too."""
    with store_of(request).write() as session:
        revoke_every_session(session, looker.viewer)
    response = RedirectResponse("/sign-in", status_code=303)
    clear_session_cookie(response, house_of(request).settings)
    set_flash(response, Flash("You are signed out everywhere"))
    return response


def _twice(fields: Form) -> str:
    password = fields.text("password")
    if password != fields.text("again"):
        sentence = "The two are not the same. Type the new password twice."
        raise Malformed(sentence, errors={"again": [sentence]})
    return password


def _draw(request: Request, looker: Looking, refused: Refused | None = None, status: int = 200) -> Response:
    idle = house_of(request).settings.session_idle_seconds
    with store_of(request).read() as session:
        view = load(session, looker, idle_seconds=idle, refused=refused or Refused())
    return page.draw(request, "page.html", view, status=status, headers=NOT_KEPT)
