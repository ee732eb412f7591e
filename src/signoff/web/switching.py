"""Look at another workspace or environment, and come back to the page one was on."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from signoff.kit.errors import NotFound
from signoff.people import queries
from signoff.web.identity import ENVIRONMENT_COOKIE, WORKSPACE_COOKIE, Looker, remember

router = APIRouter(include_in_schema=False)


@router.get("/switch/environment/{slug}")
async def switch_environment(request: Request, slug: str, looker: Looker) -> Response:
    """Look at another environment of the same workspace."""
    house = request.app.state.house
    await house.store.read_async(queries.environment_by_slug, looker.viewer, slug)
    response = RedirectResponse(_back(request), status_code=303)
    remember(response, house.settings, ENVIRONMENT_COOKIE, slug)
    return response


@router.get("/switch/workspace/{slug}")
async def switch_workspace(request: Request, slug: str, looker: Looker) -> Response:
    """Look at another workspace the person belongs to; what was open belongs to the old one, so Home follows."""
    house = request.app.state.house

    def check(session: Session) -> None:
        theirs = queries.workspaces_of(session, looker.viewer)
        if slug not in {place.slug for place in theirs}:
            raise NotFound("There is no such workspace, or you do not belong to it.")

    await house.store.read_async(check)
    response = RedirectResponse("/", status_code=303)
    remember(response, house.settings, WORKSPACE_COOKIE, slug)
    return response


def _back(request: Request) -> str:
    """Return the page the browser came from, when it is one of ours."""
    parts = urlsplit(request.headers.get("referer", ""))
    is_ours = parts.netloc == request.headers.get("host") and parts.path.startswith("/")
    return parts.path if is_ours and not parts.path.startswith(("//", "/switch/")) else "/"
