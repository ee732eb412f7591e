"""GET the runbook, and GET it as Markdown."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.agent_runbook.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/runbook")
def agent_runbook(request: Request, looker: Looker, agent: str) -> Response:
    """The runbook."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent)
    return page.draw(request, "page.html", view)


@router.get("/agents/{agent}/runbook.md")
def agent_runbook_markdown(request: Request, looker: Looker, agent: str) -> Response:
    """The same, as a file."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent)
    headers = {
        "Content-Disposition": f'attachment; filename="runbook-{view.book.agent}.md"',
        "Cache-Control": "private, no-store",
    }
    return Response(view.book.markdown(), media_type="text/markdown; charset=utf-8", headers=headers)
