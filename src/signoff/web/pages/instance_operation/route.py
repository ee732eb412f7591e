"""GET how the installation is operated: maintenance, objectives, and how it is tried; POST the beginning and
the end of maintenance."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.freezes.maintenance import begin_for_a_time, end_as_administrator
from signoff.kit.errors import NotAllowed, NotNow, Refusal
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import house_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.instance_operation.query import load
from signoff.web.refused import Refused

router = APIRouter()
page = Page(__file__)
BEGIN, END = "maintenance", "end"
AT = "/instance/operation"


@router.get(AT)
def instance_operation(request: Request, looker: Looker) -> Response:
    """The page. It is about every workspace, so it is not bound to the viewer's."""
    with house_of(request).services.store.read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.post("/instance/operation/maintenance")
def begin_maintenance(request: Request, looker: Looker, fields: Fields) -> Response:
    """Begin maintenance for a time."""
    given = fields.text("minutes").strip()
    minutes = int(given) if given.isascii() and given.isdecimal() and len(given) < 9 else None
    try:
        with house_of(request).services.store.write() as session:
            begin_for_a_time(session, looker.viewer, reason=fields.text("reason"), minutes=minutes)
    except NotAllowed:
        raise
    except Refusal as refusal:
        return _again(request, looker, Refused(BEGIN, refusal.detail, refusal.errors, fields), refusal.status)
    flash = Flash("Maintenance begins", "Every process knows within a second. What runs comes to its end.", "wait")
    return see_other(request, looker.chrome.href(AT), flash)


@router.post("/instance/operation/maintenance/end")
def end_maintenance(request: Request, looker: Looker) -> Response:
    """End maintenance, whoever began it. This is not held by maintenance itself."""
    try:
        with house_of(request).services.store.write() as session:
            end_as_administrator(session, looker.viewer)
    except NotNow as refusal:
        return _again(request, looker, Refused(END, refusal.detail), refusal.status)
    flash = Flash("Maintenance is over", "Every process knows within a second. What waited goes on.")
    return see_other(request, looker.chrome.href(AT), flash)


def _again(request: Request, looker: Looking, refused: Refused, status: int) -> Response:
    with house_of(request).services.store.read() as session:
        view = load(session, looker.viewer, refused=refused)
    return page.draw(request, "page.html", view, status=status)
