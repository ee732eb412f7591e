"""GET the list, the form for a new one; POST a value.

A value comes in and goes to the vault. No answer here is drawn from a form that holds one.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.connections.secrets import create_secret
from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.dates import day
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.secrets.query import Typed, load, load_new

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
        view = load_new(session, looker.viewer, Typed(connection_id=connection, name=name))
    return page.draw(request, "new.html", view)


@router.post("/secrets/new")
def enter(request: Request, looker: Looker, fields: Fields) -> Response:
    """Keep a value, and go back to the connection it belongs to."""
    house, connection, name = house_of(request), fields.text("connection"), fields.text("name").strip()
    reference = fields.text("reference").strip()
    try:
        with house.store.write() as session:
            create_secret(
                session,
                looker.viewer,
                house.services.vault,
                connection_id=connection,
                name=name,
                value=fields.text("value") or (None if reference else ""),
                reference=reference or None,
                description=fields.text("description"),
                sensitivity="high" if fields.is_on("is_high") else "standard",
                whose="personal" if fields.is_on("is_personal") else "service",
                expires_at=day(fields.text("expires_at")),
                agents=fields.texts("agents"),
            )
    except NotAllowed:
        raise
    except Refusal as refusal:
        typed = Typed(
            connection_id="" if isinstance(refusal, NotFound) else connection,
            name=name,
            description=fields.text("description"),
            reference=reference,
            expires_at=fields.text("expires_at"),
            is_high=fields.is_on("is_high"),
            is_personal=fields.is_on("is_personal"),
            agents=fields.texts("agents"),
        )
        with house.store.read() as session:
            view = load_new(session, looker.viewer, typed, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "new.html", view, status=refusal.status)
    flash = Flash(f"{name} is kept", "Its value is encrypted, and nobody can read it back.")
    return see_other(request, looker.chrome.href(f"/connections/{connection}"), flash)
