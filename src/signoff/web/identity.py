"""Who is looking at a page: the session cookie becomes the viewer and the shell around the page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from signoff.kit.errors import NotFound, NotSignedIn
from signoff.people import queries
from signoff.people.access import Principal
from signoff.people.actions import accept_by_looking, note_session_seen
from signoff.people.actions.pending import LIFETIME_SECONDS as PENDING_SECONDS
from signoff.people.facts import EnvironmentFacts, Pending, Seen, SignedIn, WorkspaceFacts
from signoff.people.membership import WorkspaceSuspended
from signoff.people.own import person_of
from signoff.people.sign_in_rules import sentence_of
from signoff.settings import Settings
from signoff.tables.session import Store, narrow
from signoff.tables.walls import bind, everywhere
from signoff.web.chrome import Chrome, Place
from signoff.web.counts import counts_for

COOKIE, SECURE_COOKIE = "session", "__Host-session"
PENDING, SECURE_PENDING = "sign-in", "__Host-sign-in"
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
    session_id: str = ""


def cookie_name(settings: Settings) -> str:
    """Return the session cookie's name; with https it carries the prefix that pins it to this host."""
    return SECURE_COOKIE if settings.is_https else COOKIE


def set_session_cookie(response: Response, settings: Settings, signed_in: SignedIn) -> None:
    """Hand a fresh session to the browser, and look at the workspace it was opened in."""
    keep_session_cookie(response, settings, signed_in.session_token)
    response.delete_cookie(WORKSPACE_COOKIE, path="/")


def keep_session_cookie(response: Response, settings: Settings, token: str) -> None:
    """Replace the browser's token by a fresh one of the same person, who goes on looking where they looked."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=settings.session_absolute_seconds,
        httponly=True,
        samesite="lax",
        secure=settings.is_https,
        path="/",
    )


def clear_session_cookie(response: Response, settings: Settings) -> None:
    """Take the session from the browser. The session itself is ended by `people.actions.sign_out`."""
    response.delete_cookie(cookie_name(settings), path="/", secure=settings.is_https, httponly=True, samesite="lax")


def session_token(request: Request) -> str | None:
    """Return the token the browser holds. With https only the prefixed cookie counts: a neighbouring host can set
    the other one, and so sign somebody in as itself."""
    return request.cookies.get(cookie_name(request.app.state.house.settings))


def pending_cookie(settings: Settings) -> str:
    """Return the name of the cookie between the two steps of a sign-in."""
    return SECURE_PENDING if settings.is_https else PENDING


def set_pending_cookie(response: Response, settings: Settings, pending: Pending) -> None:
    """Hand the token of the second step to the browser. It is no session, and goes nowhere from other sites."""
    response.set_cookie(
        pending_cookie(settings),
        pending.token,
        max_age=PENDING_SECONDS,
        httponly=True,
        samesite="strict",
        secure=settings.is_https,
        path="/",
    )


def clear_pending_cookie(response: Response, settings: Settings) -> None:
    """Take the token of the second step from the browser."""
    response.delete_cookie(
        pending_cookie(settings), path="/", secure=settings.is_https, httponly=True, samesite="strict"
    )


def pending_token(request: Request) -> str:
    """Return the token of the second step the browser holds, or nothing."""
    return request.cookies.get(pending_cookie(request.app.state.house.settings), "")


def sign_in_address(request: Request, code: str = "") -> str:
    """Return the address of the sign-in page, with where to go afterwards; `code` is a rule that was not met."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    asked = {} if target == "/" else {"next": target}
    if sentence_of(code):
        asked["why"] = code
    return f"/sign-in?{urlencode(asked, safe='')}" if asked else "/sign-in"


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
    with everywhere():  # Which workspace it is, is what is being asked; `_look` narrows as soon as it knows.
        found, seen = await store.read_async(_look, token, settings.session_idle_seconds, named, wanted)
    # The badge asks by itself: that is no sign that somebody is there, and must not keep a session from running out.
    if seen.is_touch_due and not request.url.path.endswith("/inbox/badge"):
        await store.write_async(note_session_seen, seen.row_id)
    bind(found.viewer.workspace_id)  # From here on the database shows this request nothing of another workspace.
    if seen.is_first_look:
        await store.write_async(accept_by_looking, seen.principal)
    order = await request.app.state.house.lookout.standing()
    if order is not None:
        notice = f"{order.sentence} {found.chrome.notice}".strip()
        found = replace(found, chrome=replace(found.chrome, notice=notice))
    request.state.chrome = lambda: found.chrome
    return found


async def still_looking(request: Request, looker: Looking) -> None:
    """Return quietly while the session is good and its person may do what they could before; for long answers.

    Raises:
        SignInNeeded: the session has ended, or the person's role is another one now.
    """
    store: Store = request.app.state.house.services.store
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
    except NotSignedIn as refusal:
        raise SignInNeeded(refusal.detail, code=refusal.code) from None
    narrow(session, seen.principal.workspace_id)
    here = queries.workspace(session, seen.principal)
    places = queries.environments(session, seen.principal)
    environment = next((place for place in places if place.slug == wanted[1]), places[-1])
    person = person_of(session, seen.principal)
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
        zone=person.time_zone,
        has_single_keys=person.has_single_keys,
    )
    return Looking(seen.principal, environment, chrome, seen.row_id), seen


def _seen(session: Session, token: str, idle_seconds: int, workspace: str | None) -> Seen:
    if workspace:
        try:
            return queries.principal_of_session(session, token, idle_seconds=idle_seconds, workspace_slug=workspace)
        except (NotFound, NotSignedIn, WorkspaceSuspended):
            pass  # The cookie names a workspace they left, that is shut, or that this session does not open.
    try:
        return queries.principal_of_session(session, token, idle_seconds=idle_seconds)
    except WorkspaceSuspended:
        # The session's own workspace is shut; the person may have another that is open.
        slug = queries.open_workspace_of_session(session, token)
        if slug is None:
            raise
        return queries.principal_of_session(session, token, idle_seconds=idle_seconds, workspace_slug=slug)


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
