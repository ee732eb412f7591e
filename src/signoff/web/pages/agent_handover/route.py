"""GET how a hand-over stands; POST its beginning and each of its steps."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import cancel_handover, move_secrets, plan_session, start_handover
from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.chrome import chrome_of, zone_info
from signoff.web.dates import moment
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_handover.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/handover")
def agent_handover(request: Request, looker: Looker, agent: str) -> Response:
    """How it stands."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, _zone(request))
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/handover")
def start(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Begin."""

    def work(session: Session) -> None:
        start_handover(
            session, looker.viewer, agent, to_member_id=fields.text("to"), from_member_id=fields.text("from") or None,
            reason=fields.text("reason"), session_at=moment(fields.text("session_at"), _zone(request), "session_at"),
        )  # fmt: skip

    flash = Flash("It is handed over", "The new owner is asked to accept. The steps below say what is left.")
    return _do(request, looker, agent, fields, work, flash)


@router.post("/agents/{agent}/handover/secrets")
def secrets(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Move the personal secrets."""

    def work(session: Session) -> None:
        move_secrets(session, looker.viewer, fields.text("handover"))

    return _do(request, looker, agent, fields, work, Flash("The secrets are the new owner's"))


@router.post("/agents/{agent}/handover/session")
def plan(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Keep when they sit down together, and what they wrote down."""

    def work(session: Session) -> None:
        at = moment(fields.text("session_at"), _zone(request), "session_at")
        plan_session(session, looker.viewer, fields.text("handover"), session_at=at, notes=fields.text("notes"))

    return _do(request, looker, agent, fields, work, Flash("Saved"))


@router.post("/agents/{agent}/handover/cancel")
def cancel(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Call it off."""

    def work(session: Session) -> None:
        cancel_handover(session, looker.viewer, fields.text("handover"), reason=fields.text("reason"))

    flash = Flash("The hand-over is called off", "The agent is with who had it, and may start by itself again.")
    return _do(request, looker, agent, fields, work, flash)


def _zone(request: Request) -> ZoneInfo:
    return zone_info(chrome_of(request).zone)


def _do(
    request: Request, looker: Looking, agent: str, fields: Form, work: Callable[[Session], None], flash: Flash
) -> Response:
    store = store_of(request)
    try:
        with store.write() as session:
            work(session)
    except NotFound:
        raise
    except NotAllowed as refusal:
        if refusal.code != "personal_secret":
            raise
        return _again(request, looker, agent, fields, refusal)
    except Refusal as refusal:
        return _again(request, looker, agent, fields, refusal)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/handover"), flash)


def _again(request: Request, looker: Looking, agent: str, fields: Form, refusal: Refusal) -> Response:
    with store_of(request).read() as session:
        view = load(
            session, looker.viewer, agent, _zone(request), form=fields, problem=refusal.detail, errors=refusal.errors
        )
    return page.draw(request, "page.html", view, status=refusal.status)
