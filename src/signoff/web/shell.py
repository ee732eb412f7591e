"""The addresses of the shell itself: the way in, the theme, and what the command palette finds."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from signoff.agents.queries import agents_page
from signoff.people.access import can
from signoff.runs.filters import RunFilter
from signoff.runs.queries import runs_page
from signoff.web.chrome import remember_theme
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import is_htmx
from signoff.web.palette import PaletteRow, draw_palette, page_rows

router = APIRouter(include_in_schema=False)
inside = APIRouter(include_in_schema=False)

_WORDS_MAX = 200
_FOUND_OF_A_KIND = 5


@router.get("/")
async def entrance(looker: Looker) -> Response:
    """On to the home of the workspace one is looking at."""
    return RedirectResponse(looker.chrome.base, status_code=303)


@router.post("/theme")
async def choose_theme(request: Request, fields: Fields) -> Response:
    """Keep light, dark or as the system; visitors may choose too."""
    back = urlsplit(request.headers.get("referer", "")).path or "/"
    is_ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    response = Response(status_code=204) if is_htmx(request) else RedirectResponse(back if is_ours else "/", 303)
    remember_theme(response, fields.text("theme")[:20])
    return response


@inside.get("/palette")
async def find(request: Request, looker: Looker, q: Annotated[str, Query(max_length=_WORDS_MAX)] = "") -> Response:
    """Pages, agents and runs whose name holds these words."""
    found = await store_of(request).read_async(_found, looker, q.strip())
    return draw_palette(request, found)


def _found(session: Session, looker: Looking, words: str) -> list[PaletteRow]:
    rows = page_rows(looker.chrome, words)
    if not words:
        return rows
    viewer, chrome = looker.viewer, looker.chrome
    if can(viewer, "agent.read"):
        agents = agents_page(session, viewer, q=words, size=_FOUND_OF_A_KIND).rows
        rows += [PaletteRow(agent.name, chrome.href(f"/agents/{agent.slug}"), "workflow", "Agent") for agent in agents]
    if can(viewer, "run.read"):
        runs = runs_page(session, viewer, RunFilter(text=words), size=_FOUND_OF_A_KIND).rows
        rows += [PaletteRow(run.title, chrome.href(f"/runs/{run.id}"), "layout-list", "Run") for run in runs]
    return rows
