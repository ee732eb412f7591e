"""GET the kinds, or the form of one; POST it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.connections.actions import create_connection
from signoff.kit.errors import NotAllowed, Refusal
from signoff.kit.text import slug_from
from signoff.web.connection_form import config_from, kept
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.connection_new.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/connections/new")
def connection_new(request: Request, looker: Looker, kind: str = "", environment: str = "") -> Response:
    """The kinds to choose from, or with `?kind=` the form of one."""
    house = house_of(request)
    with house.store.read() as session:
        place = environment or looker.environment.slug
        view = load(session, looker.viewer, house.settings, kind=kind, environment=place)
    return page.draw(request, "page.html", view)


@router.post("/connections/new")
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make it, and go on to its page, where it is tested."""
    house = house_of(request)
    try:
        with house.store.write() as session:
            name = fields.text("name").strip()
            made = create_connection(
                session,
                looker.viewer,
                environment_id=fields.text("environment"),
                slug=fields.text("slug").strip() or slug_from(name),
                name=name,
                kind=fields.text("kind"),
                config=config_from(fields.text("kind"), fields),
                settings=house.settings,
            )
    except NotAllowed:
        raise
    except Refusal as refusal:
        return _again(request, looker, fields, refusal)
    welcome = Flash("The connection is there", "Nothing was opened yet. Discover its tools: that also tests it.")
    return see_other(request, looker.chrome.href(f"/connections/{made}"), welcome)


def _again(request: Request, looker: Looking, fields: Form, refusal: Refusal) -> Response:
    house = house_of(request)
    with house.store.read() as session:
        view = load(
            session,
            looker.viewer,
            house.settings,
            kind=fields.text("kind"),
            environment=fields.text("environment"),
            form=kept(fields),
            problem=refusal.detail,
            errors=refusal.errors,
        )
    return page.draw(request, "page.html", view, status=refusal.status)
