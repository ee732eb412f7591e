"""GET the workspaces; POST a new one, suspend one, resume one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, NotNow, Refusal
from signoff.people.access import system
from signoff.people.actions import create_setup_link, create_workspace, resume_workspace, suspend_workspace
from signoff.people.facts import Founded
from signoff.tables.session import Store
from signoff.web.address import public_address
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.instance_workspaces.query import load
from signoff.web.refused import Refused

router = APIRouter()
page = Page(__file__)
SHOWN_ONCE = {"Cache-Control": "no-store"}


def _store(request: Request) -> Store:
    # It is about every workspace, so it is not bound to the viewer's.
    return house_of(request).services.store


@router.get("/instance/workspaces")
def instance_workspaces(request: Request, looker: Looker, q: str = "", cursor: str | None = None) -> Response:
    """The list."""
    with _store(request).read() as session:
        view = load(session, looker.viewer, q=q, cursor=cursor)
    return page.draw(request, "page.html", view)


@router.post("/instance/workspaces")
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make a workspace, and show the link with which its owner comes, this once."""
    slug, name = fields.text("slug").strip(), fields.text("name")
    try:
        with _store(request).write() as session:
            made = create_workspace(
                session,
                looker.viewer,
                slug=slug,
                name=name,
                owner_email=fields.text("owner_email"),
                owner_name=fields.text("owner_name"),
            )
    except Refusal as refusal:
        return _again(request, looker, fields, "new", refusal)
    link, note = "", ""
    try:
        with _store(request).write() as session:
            link = _link(session, request, made)
    except NotNow as refusal:  # They have an account elsewhere: they are in, with the password they have.
        note = refusal.detail
    with _store(request).read() as session:
        view = load(session, looker.viewer, made=slug, link=link, note=note)
    return page.draw(request, "page.html", view, status=201, headers=SHOWN_ONCE)


def _link(session: Session, request: Request, made: Founded) -> str:
    seconds = house_of(request).settings.setup_link_seconds
    owner = system(made.workspace_id)
    token = create_setup_link(session, owner, member_id=made.member_id, lifetime_seconds=seconds)
    return f"{public_address(request)}/setup/{token}"


@router.post("/instance/workspaces/{slug}/suspend")
def suspend(request: Request, looker: Looker, slug: str, fields: Fields) -> Response:
    """Shut a workspace."""
    try:
        with _store(request).write() as session:
            suspend_workspace(session, looker.viewer, slug, reason=fields.text("reason"))
    except Refusal as refusal:
        return _again(request, looker, fields, f"suspend-{slug}", refusal)
    flash = Flash(f"{slug} is suspended", "Nobody gets in, and nothing runs, until it is resumed.", "wait")
    return see_other(request, looker.chrome.href("/instance/workspaces"), flash)


@router.post("/instance/workspaces/{slug}/resume")
def resume(request: Request, looker: Looker, slug: str, fields: Fields) -> Response:
    """Open a workspace again."""
    try:
        with _store(request).write() as session:
            resume_workspace(session, looker.viewer, slug)
    except Refusal as refusal:
        return _again(request, looker, fields, "resume", refusal)
    return see_other(request, looker.chrome.href("/instance/workspaces"), Flash(f"{slug} works again"))


def _again(request: Request, looker: Looking, fields: Form, which: str, refusal: Refusal) -> Response:
    if isinstance(refusal, NotAllowed | NotFound):
        raise refusal
    with _store(request).read() as session:
        view = load(session, looker.viewer, refused=Refused(which, refusal.detail, refusal.errors, fields))
    return page.draw(request, "page.html", view, status=refusal.status)
