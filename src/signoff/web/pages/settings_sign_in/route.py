"""GET the rules; POST them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import NotNow
from signoff.people.actions import set_sign_in_rules
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_sign_in.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/settings/sign-in")
def settings_sign_in(request: Request, looker: Looker) -> Response:
    """The rules."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, house_of(request).settings)
    return page.draw(request, "page.html", view)


@router.post("/settings/sign-in")
def save(request: Request, looker: Looker, fields: Fields) -> Response:
    """Change the rules, or say why that would lock somebody out."""
    is_required, is_allowed = fields.is_on("is_second_factor_required"), fields.is_on("is_password_allowed")
    try:
        with store_of(request).write() as session:
            set_sign_in_rules(
                session,
                looker.viewer,
                session_id=looker.session_id,
                is_second_factor_required=is_required,
                is_password_allowed=is_allowed,
            )
    except NotNow as refusal:
        with store_of(request).read() as session:
            view = load(
                session,
                looker.viewer,
                house_of(request).settings,
                chosen=(is_required, is_allowed),
                problem=refusal.detail,
                errors=refusal.errors,
            )
        return page.draw(request, "page.html", view, status=refusal.status)
    flash = Flash("The rules are saved", "They hold from the next request on.")
    return see_other(request, looker.chrome.href("/settings/sign-in"), flash)
