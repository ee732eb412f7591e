"""GET the tables, a role to make or change; POST a role, its deletion, who deploys where, and the last resort."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.kit.errors import NotFound, Refusal
from signoff.people.actions import create_role, delete_role, edit_role, name_last_resort, set_deploy_rules
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_roles.query import load, load_role, permissions_in

router = APIRouter()
page = Page(__file__)
HERE = "/settings/roles"


@router.get("/settings/roles")
def settings_roles(request: Request, looker: Looker) -> Response:
    """The tables."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.get("/settings/roles/new")
def new(request: Request, looker: Looker) -> Response:
    """A role to fill in."""
    with store_of(request).read() as session:
        view = load_role(session, looker.viewer)
    return page.draw(request, "role.html", view)


@router.post("/settings/roles")
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make a role."""
    store, name = store_of(request), fields.text("name")
    try:
        with store.write() as session:
            create_role(
                session,
                looker.viewer,
                slug=fields.text("slug").strip(),
                name=name,
                description=fields.text("description"),
                permissions=permissions_in(fields),
            )
    except Refusal as refusal:
        with store.read() as session:
            view = load_role(session, looker.viewer, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "role.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(HERE), Flash(f"The role {name} is made", "Give it to a member."))


@router.get("/settings/roles/{role}")
def one(request: Request, looker: Looker, role: str) -> Response:
    """A role to change."""
    with store_of(request).read() as session:
        view = load_role(session, looker.viewer, role)
    return page.draw(request, "role.html", view)


@router.post("/settings/roles/{role}")
def change(request: Request, looker: Looker, role: str, fields: Fields) -> Response:
    """Change a role."""
    store = store_of(request)
    try:
        with store.write() as session:
            edit_role(
                session,
                looker.viewer,
                role,
                name=fields.text("name"),
                description=fields.text("description"),
                permissions=permissions_in(fields),
            )
    except NotFound:
        raise
    except Refusal as refusal:
        with store.read() as session:
            view = load_role(session, looker.viewer, role, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "role.html", view, status=refusal.status)
    flash = Flash("The role is changed", "It holds for whoever carries it, from the next request on.")
    return see_other(request, looker.chrome.href(HERE), flash)


@router.post("/settings/roles/{role}/delete")
def delete(request: Request, looker: Looker, role: str) -> Response:
    """Delete a role that nobody carries."""
    store = store_of(request)
    try:
        with store.write() as session:
            delete_role(session, looker.viewer, role)
    except NotFound:
        raise
    except Refusal as refusal:
        with store.read() as session:
            view = load_role(session, looker.viewer, role, problem=refusal.detail)
        return page.draw(request, "role.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(HERE), Flash("The role is deleted"))


@router.post("/settings/deploy-rules")
def deploy_rules(request: Request, looker: Looker, fields: Fields) -> Response:
    """Say who may make a revision live in an environment."""

    def work(session: Session) -> None:
        set_deploy_rules(
            session,
            looker.viewer,
            fields.text("environment"),
            is_restricted=fields.is_on("restricted"),
            is_four_eyes=fields.is_on("four_eyes"),
        )

    return _do(request, looker, work, Flash("Who may deploy is set", "It holds from the next deployment on."))


@router.post("/settings/last-resort")
def last_resort(request: Request, looker: Looker, fields: Fields) -> Response:
    """Name the owner of last resort."""

    def work(session: Session) -> None:
        name_last_resort(session, looker.viewer, fields.text("member"))

    return _do(request, looker, work, Flash("The owner of last resort is named"))


def _do(request: Request, looker: Looking, work: Callable[[Session], None], flash: Flash) -> Response:
    store = store_of(request)
    if refusal := attempt(request, work, tells_rights=True):
        with store.read() as session:
            view = load(session, looker.viewer, problem=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(HERE), flash)
