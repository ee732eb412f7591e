"""GET the list, whole or its rows."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.incidents.states import INCIDENT_STATES, SEVERITIES
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.incidents.query import Asked, load

router = APIRouter()
page = Page(__file__)


@router.get("/incidents")
def incidents(
    request: Request, looker: Looker, agent: str = "", state: str = "", severity: str = "", cursor: str | None = None
) -> Response:
    """The list."""
    asked = Asked(agent[:100], state if state in INCIDENT_STATES else "", severity if severity in SEVERITIES else "")
    with store_of(request).read() as session:
        found = load(session, looker.viewer, asked, cursor)
    return page.page_or_fragment(request, found, "_rows.html")
