"""GET the comparison."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.agent_diff.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/diff")
def agent_diff(
    request: Request,
    looker: Looker,
    agent: str,
    old: Annotated[str, Query(alias="from")] = "",
    new: Annotated[str, Query(alias="to")] = "",
    whole: str = "",
) -> Response:
    """The comparison; `from` and `to` are numbers or `draft`."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, old=old, new=new, is_whole=bool(whole))
    return page.page_or_fragment(request, view, "_diff.html")
