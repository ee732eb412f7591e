"""GET the environments; POST a new one, a change, a move, a removal."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.budgets.caps import set_environment_cap
from signoff.people.access import can
from signoff.people.actions import (
    change_environment,
    create_environment,
    delete_environment,
    move_environment,
)
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_environments.query import load
from signoff.web.refused import Refused, amount

router = APIRouter()
page = Page(__file__)


@router.get("/settings/environments")
def settings_environments(request: Request, looker: Looker) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.post("/settings/environments")
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make an environment."""

    def work(session: Session) -> None:
        create_environment(
            session,
            looker.viewer,
            slug=fields.text("slug").strip(),
            name=fields.text("name"),
            is_production=fields.text("is_production") == "yes",
        )

    text = "It has no connections and no secrets yet; agents are made live in it as in any other."
    return _do(request, looker, fields, "new", work, Flash("The environment is made", text))


@router.post("/settings/environments/{slug}")
def change(request: Request, looker: Looker, slug: str, fields: Fields) -> Response:
    """Rename an environment, say whether it is production, cap its day."""

    def work(session: Session) -> None:
        is_production = fields.text("is_production") == "yes"
        change_environment(session, looker.viewer, slug, name=fields.text("name"), is_production=is_production)
        if can(looker.viewer, "budget.manage"):
            cap = amount(fields, "cap_usd") if fields.text("cap_usd").strip() else None
            set_environment_cap(session, looker.viewer, slug, cap_usd=cap)

    return _do(request, looker, fields, f"edit-{slug}", work, Flash("The environment is changed"))


@router.post("/settings/environments/{slug}/move")
def move(request: Request, looker: Looker, slug: str, fields: Fields) -> Response:
    """Put it at another place of the list."""

    def work(session: Session) -> None:
        text = fields.text("position")
        move_environment(session, looker.viewer, slug, position=int(text) if text.isdecimal() and len(text) < 4 else 0)

    return _do(request, looker, fields, "move", work, Flash("The order is changed"))


@router.post("/settings/environments/{slug}/delete")
def remove(request: Request, looker: Looker, slug: str, fields: Fields) -> Response:
    """Take an empty one away."""

    def work(session: Session) -> None:
        delete_environment(session, looker.viewer, slug)

    return _do(request, looker, fields, "delete", work, Flash("The environment is gone"))


def _do(
    request: Request, looker: Looking, fields: Form, which: str, work: Callable[[Session], None], flash: Flash
) -> Response:
    """Do one thing and come back; or the page with the reason why not, and what was typed."""
    store = store_of(request)
    if refusal := attempt(request, work):
        with store.read() as session:
            view = load(session, looker.viewer, Refused(which, refusal.detail, refusal.errors, fields))
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href("/settings/environments"), flash)
