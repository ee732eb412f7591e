"""GET one release, whole or what moves; POST signatures, the next step, the end, the way back."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.releases.actions import abort_release, promote_now, roll_back_now, sign_release, take_over_release
from signoff.releases.activations import try_soon
from signoff.releases.queries import release
from signoff.tables.session import through_outage
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.release_detail.query import load

router = APIRouter()
page = Page(__file__)
_CHOICES = ("drain", "stop", "repin")


@router.get("/releases/{release_id}")
def release_detail(request: Request, looker: Looker, release_id: str) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, release_id)
    return page.page_or_fragment(request, view, "_body.html")


@router.post("/releases/{release_id}/sign")
def sign(request: Request, looker: Looker, release_id: str, fields: Fields) -> Response:
    """Approve or refuse the diff that was on screen."""
    verdict = "approve" if fields.text("verdict") == "approve" else "refuse"

    def change(session: Session) -> None:
        sign_release(
            session, looker.viewer, release_id, verdict=verdict, diff_digest=fields.text("diff_digest"),
            comment=fields.text("comment"),
        )  # fmt: skip
        try_soon(session, release_id)

    return _do(request, looker, release_id, change, Flash("Signed" if verdict == "approve" else "Refused"))


@router.post("/releases/{release_id}/promote")
def promote(request: Request, looker: Looker, release_id: str, fields: Fields) -> Response:
    """Take the next step now."""

    def change(session: Session) -> None:
        promote_now(session, looker.viewer, release_id, reason=fields.text("reason"), seen=fields.text("seen") or None)
        try_soon(session, release_id)

    return _do(request, looker, release_id, change, Flash("It took the next step"))


@router.post("/releases/{release_id}/take-over")
def take_over(request: Request, looker: Looker, release_id: str, fields: Fields) -> Response:
    """Answer for it from now on."""

    def change(session: Session) -> None:
        take_over_release(session, looker.viewer, release_id, reason=fields.text("reason"))

    return _do(request, looker, release_id, change, Flash("You answer for it now"))


@router.post("/releases/{release_id}/abort")
def abort(request: Request, looker: Looker, release_id: str, fields: Fields) -> Response:
    """Call it off."""

    def change(session: Session) -> None:
        abort_release(session, looker.viewer, release_id, reason=fields.text("reason"))

    done = Flash("The release is called off", "What serves still serves.", "wait")
    return _do(request, looker, release_id, change, done)


@router.post("/releases/{release_id}/roll-back")
def go_back(request: Request, looker: Looker, release_id: str, fields: Fields) -> Response:
    """Let serve again what served before, and say what becomes of the runs under way."""
    store = store_of(request)
    with store.read() as session:
        facts = release(session, looker.viewer, release_id).facts
    chosen = fields.text("in_flight")
    try:
        made = roll_back_now(
            store, looker.viewer, facts.agent_slug, environment=facts.environment, reason=fields.text("reason"),
            in_flight=chosen if chosen in _CHOICES else "drain",
        )  # fmt: skip
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _refused(request, looker, release_id, refusal)
    with store.write() as session:
        try_soon(session, made)
    return see_other(request, looker.chrome.href(f"/releases/{made}"), Flash("It went back", "", "wait"))


def _do(request: Request, looker: Looking, release_id: str, change: Callable[[Session], None], done: Flash) -> Response:
    # Again where the engine moved it at the same moment, and the database ended one of the two.
    if refusal := through_outage(attempt, request, change):
        return _refused(request, looker, release_id, refusal)
    return see_other(request, looker.chrome.href(f"/releases/{release_id}"), done)


def _refused(request: Request, looker: Looking, release_id: str, refusal: Refusal) -> Response:
    with store_of(request).read() as session:
        view = load(session, looker.viewer, release_id, problem=refusal.detail)
    return page.draw(request, "page.html", view, status=refusal.status)
