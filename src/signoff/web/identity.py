"""Who is looking at a page: the session cookie becomes the viewer and the shell around the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from signoff.kit.errors import NotFound, NotSignedIn
from signoff.people import queries
from signoff.people.access import Principal
from signoff.people.actions import note_session_seen
from signoff.people.facts import EnvironmentFacts, Seen, SignedIn, WorkspaceFacts
from signoff.people.sign_in_rules import SsoRequired
from signoff.settings import Settings
from signoff.tables.session import Store
from signoff.web.chrome import Chrome, Place
from signoff.web.counts import counts_for

COOKIE, SECURE_COOKIE = "session", "__Host-session"
WORKSPACE_COOKIE, ENVIRONMENT_COOKIE = "workspace", "environment"
_A_YEAR_SECONDS = 31_536_000


class SignInNeeded(NotSignedIn):
    """A page was asked for without a session. Browsers are led to the sign-in page and back."""


@dataclass(frozen=True, slots=True)
class Looking:
    """The viewer, the environment they chose, and what the shell shows."""

    viewer: Principal
    environment: EnvironmentFacts
    chrome: Chrome


def cookie_name(settings: Settings) -> str:
    """Return the session cookie's name; with https it carries the prefix that pins it to this host."""
    return SECURE_COOKIE if settings.is_https else COOKIE


def set_session_cookie(response: Response, settings: Settings, signed_in: SignedIn) -> None:
    """Hand a fresh session to the browser, and look at the workspace it was opened in."""
    response.set_cookie(
        cookie_name(settings),
        signed_in.session_token,
        max_age=settings.session_absolute_seconds,
        httponly=True,
        samesite="lax",
        secure=settings.is_https,
        path="/",
    )
    response.delete_cookie(WORKSPACE_COOKIE, path="/")


def clear_session_cookie(response: Response, settings: Settings) -> None:
    """Take the session from the browser. The session itself is ended by `people.actions.sign_out`."""
    response.delete_cookie(cookie_name(settings), path="/", secure=settings.is_https, httponly=True, samesite="lax")


def session_token(request: Request) -> str | None:
    """Return the token the browser holds. With https only the prefixed cookie counts: a neighbouring host can set
    the other one, and so sign somebody in as itself."""
    return request.cookies.get(cookie_name(request.app.state.house.settings))


def sign_in_address(request: Request) -> str:
    """Return the address of the sign-in page, with where to go afterwards."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/sign-in" if target == "/" else f"/sign-in?next={quote(target, safe='')}"


async def looking(request: Request) -> Looking:
    """Return who looks, or send them to the sign-in page. Every page depends on this.

    Raises:
        SignInNeeded: no session, or it has ended.
    """
    store: Store = request.app.state.house.store
    settings: Settings = request.app.state.house.settings
    token = session_token(request)
    if not token:
        raise SignInNeeded("Sign in to see this page.")
    named = request.path_params.get("workspace")
    wanted = request.cookies.get(WORKSPACE_COOKIE), request.cookies.get(ENVIRONMENT_COOKIE)
    found, seen = await store.read_async(_look, token, settings.session_idle_seconds, named, wanted)
    if seen.is_touch_due:
        await store.write_async(note_session_seen, seen.row_id)
    request.state.chrome = lambda: found.chrome
    return found


async def still_looking(request: Request, looker: Looking) -> None:
    """Return quietly while the session is good and its person may do what they could before; for long answers.

    Raises:
        SignInNeeded: the session has ended, or the person's role is another one now.
    """
    store: Store = request.app.state.house.store
    settings: Settings = request.app.state.house.settings
    slug = looker.chrome.base.removeprefix("/w/")
    seen = await store.read_async(
        queries.principal_of_session,
        session_token(request) or "",
        idle_seconds=settings.session_idle_seconds,
        workspace_slug=slug,
    )
    if seen.principal != looker.viewer:
        raise SignInNeeded("What you may see has changed. Open the page again.")


async def viewer(request: Request) -> Principal:
    """Return the viewer alone."""
    return (await looking(request)).viewer


Looker = Annotated[Looking, Depends(looking)]
Viewer = Annotated[Principal, Depends(viewer)]


def _look(
    session: Session, token: str, idle_seconds: int, named: str | None, wanted: tuple[str | None, str | None]
) -> tuple[Looking, Seen]:
    try:
        if named is None:
            seen = _seen(session, token, idle_seconds, wanted[0])
        else:  # The address says where one looks; a workspace of somebody else is told as none.
            seen = queries.principal_of_session(session, token, idle_seconds=idle_seconds, workspace_slug=named)
    except (NotSignedIn, SsoRequired) as refusal:
        raise SignInNeeded(refusal.detail, code=refusal.code) from None
    here = queries.workspace(session, seen.principal)
    places = queries.environments(session, seen.principal)
    environment = next((place for place in places if place.slug == wanted[1]), places[-1])
    person = queries.member(session, seen.principal, seen.principal.id)
    chrome = Chrome(
        workspace=here.name,
        base=f"/w/{here.slug}",
        environment=environment.name,
        environment_tone="ok" if environment.is_production else "note",
        environments=tuple(_environment_place(place, environment) for place in places),
        workspaces=_workspace_places(session, seen.principal, here),
        viewer=person.name,
        viewer_email=person.email,
        counts=counts_for(session, seen.principal),
    )
    return Looking(seen.principal, environment, chrome), seen


def _seen(session: Session, token: str, idle_seconds: int, workspace: str | None) -> Seen:
    if workspace:
        try:
            return queries.principal_of_session(session, token, idle_seconds=idle_seconds, workspace_slug=workspace)
        except (NotFound, SsoRequired):
            pass  # The cookie names a workspace they left, or that this session does not open: its own follows.
    return queries.principal_of_session(session, token, idle_seconds=idle_seconds)


def _environment_place(place: EnvironmentFacts, here: EnvironmentFacts) -> Place:
    return Place(place.name, f"/switch/environment/{place.slug}", place.slug == here.slug)


def _workspace_places(session: Session, viewer: Principal, here: WorkspaceFacts) -> tuple[Place, ...]:
    found = queries.workspaces_of(session, viewer)
    if len(found) < 2:
        return ()
    return tuple(Place(place.name, f"/switch/workspace/{place.slug}", place.slug == here.slug) for place in found)


def remember(response: Response, settings: Settings, cookie: str, slug: str) -> None:
    """Keep which workspace or environment the browser looks at. It is a preference; access is checked each time."""
    response.set_cookie(
        cookie, slug, max_age=_A_YEAR_SECONDS, httponly=True, samesite="lax", secure=settings.is_https, path="/"
    )
