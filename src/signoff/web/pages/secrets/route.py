"""GET the list, one secret, the form for a new one; POST a value, a new value, the end of one.

A value comes in and goes to the vault. No answer here is drawn from a form that holds one.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.connections.secrets import create_secret, delete_secret, replace_secret
from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.secrets.query import load, load_new, load_one

router = APIRouter()
page = Page(__file__)


@router.get("/secrets")
def secrets(request: Request, looker: Looker, environment: str = "", cursor: str | None = None) -> Response:
    """The list, of the environment the viewer looks at unless the address says another."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, environment=environment or looker.environment.slug, cursor=cursor)
    return page.draw(request, "_rows.html" if is_partial(request) else "page.html", view)


@router.get("/secrets/new")
def new(request: Request, looker: Looker, connection: str = "", name: str = "") -> Response:
    """The form for a new one."""
    with store_of(request).read() as session:
        view = load_new(session, looker.viewer, connection_id=connection, name=name)
    return page.draw(request, "new.html", view)


@router.post("/secrets/new")
def enter(request: Request, looker: Looker, fields: Fields) -> Response:
    """Keep a value, and go back to the connection it belongs to."""
    house, connection, name = house_of(request), fields.text("connection"), fields.text("name").strip()
    try:
        with house.store.write() as session:
            create_secret(
                session,
                looker.viewer,
                house.services.vault,
                connection_id=connection,
                name=name,
                value=fields.text("value"),
                description=fields.text("description"),
            )
    except NotAllowed:
        raise
    except Refusal as refusal:
        with house.store.read() as session:
            view = load_new(
                session, looker.viewer, connection_id="" if isinstance(refusal, NotFound) else connection, name=name,
                description=fields.text("description"), problem=refusal.detail, errors=refusal.errors,
            )  # fmt: skip
        return page.draw(request, "new.html", view, status=refusal.status)
    flash = Flash(f"{name} is kept", "Its value is encrypted, and nobody can read it back.")
    return see_other(request, looker.chrome.href(f"/connections/{connection}"), flash)


@router.get("/secrets/{secret}")
def one(request: Request, looker: Looker, secret: str) -> Response:
    """One secret, without its value."""
    with store_of(request).read() as session:
        view = load_one(session, looker.viewer, secret)
    return page.draw(request, "secret.html", view)


@router.post("/secrets/{secret}/replace")
def replace(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Put a new value in place of the old."""
    house = house_of(request)
    try:
        with house.store.write() as session:
            version = replace_secret(session, looker.viewer, house.services.vault, secret, value=fields.text("value"))
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with house.store.read() as session:
            view = load_one(session, looker.viewer, secret, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "secret.html", view, status=refusal.status)
    flash = Flash(f"The value is replaced; this is version {version}", "Calls use it from now on.")
    return see_other(request, looker.chrome.href(f"/secrets/{secret}"), flash)


@router.post("/secrets/{secret}/delete")
def delete(request: Request, looker: Looker, secret: str) -> Response:
    """Forget it for good."""
    with store_of(request).write() as session:
        delete_secret(session, looker.viewer, secret)
    return see_other(request, looker.chrome.href("/secrets"), Flash("The secret is deleted"))
