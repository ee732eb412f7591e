"""GET the first page; POST that an alert is dealt with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from signoff.watch.actions import resolve_alert
from signoff.web.flash import Flash
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.home.query import load

router = APIRouter()
page = Page(__file__)


@router.get("")
async def home(request: Request, looker: Looker, agent: Annotated[str, Query(max_length=80)] = "") -> Response:
    """The first page; with `agent`, of the alerts only those about this one."""
    house = house_of(request)
    checks = await house.readiness.checks()
    counted = looker.chrome.counts
    view = await house.store.read_async(load, looker.viewer, checks, house.services.limits, counted, agent)
    return page.page_or_fragment(request, view, "_body.html")


@router.get("/")
def home_with_slash(request: Request, looker: Looker) -> Response:
    """Lead an address that was typed with a slash at its end to the one without."""
    return see_other(request, looker.chrome.href("/"))


@router.post("/alerts/{alert_id}/resolve")
def home_resolve(request: Request, alert_id: str, looker: Looker) -> Response:
    """Say that an alert is dealt with."""
    with store_of(request).write() as session:
        resolve_alert(session, looker.viewer, alert_id)
    flash = Flash("Resolved", "It opens again if it happens again.")
    return see_other(request, looker.chrome.href("/"), flash)
