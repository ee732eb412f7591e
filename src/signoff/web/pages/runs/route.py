"""GET the list, whole or its rows; POST what is to be cancelled."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.chrome import chrome_of, zone_info
from signoff.web.forms import Fields
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial
from signoff.web.pages.runs.filters import Asked
from signoff.web.pages.runs.many import RUNS_MAX, cancel_many, preview
from signoff.web.pages.runs.query import load, load_rows

router = APIRouter()
page = Page(__file__)
_REASON_CHARS = 300


@router.get("/runs")
def runs(request: Request, looker: Looker, cursor: str | None = None, live: str = "") -> Response:
    """The list. `live` marks the page's own clock, which must not touch the address in the bar."""
    asked, zone = Asked.of(request.query_params), zone_info(chrome_of(request).zone)
    with store_of(request).read() as session:
        if is_partial(request):
            view = load_rows(session, looker.viewer, asked, zone, cursor)
        else:
            view = load(session, looker.viewer, asked, zone, cursor, house_of(request).services.limits)
    if not is_partial(request):
        return page.draw(request, "page.html", view)
    headers = {} if live else {"HX-Replace-Url": looker.chrome.href(asked.address())}
    return page.draw(request, "_rows.html", view, headers=headers)


@router.post("/runs/cancel/preview")
def runs_cancel_preview(request: Request, looker: Looker, fields: Fields) -> Response:
    """What cancelling the chosen runs would do."""
    view = preview(store_of(request), looker.viewer, fields.texts("pick")[:RUNS_MAX])
    return page.page_or_fragment(request, view, "_preview.html", "cancel.html")


@router.post("/runs/cancel")
def runs_cancel(request: Request, looker: Looker, fields: Fields) -> Response:
    """Cancel them; the answer says what came of each."""
    reason = fields.text("reason").strip()[:_REASON_CHARS]
    view = cancel_many(store_of(request), looker.viewer, fields.texts("pick")[:RUNS_MAX], reason)
    return page.page_or_fragment(request, view, "_outcome.html", "cancel.html")
