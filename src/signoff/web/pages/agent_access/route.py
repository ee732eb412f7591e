"""GET who may do what; POST a level to give, a grant to take back."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import give_grant, take_grant
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_access.query import ACCOUNT, load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/access")
def agent_access(request: Request, looker: Looker, agent: str) -> Response:
    """Who may do what."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/access")
def give(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Give somebody a level."""

    def work(session: Session) -> None:
        slug = holder.removeprefix(ACCOUNT) if (holder := fields.text("member")).startswith(ACCOUNT) else None
        member_id = None if slug is not None else holder
        level = fields.text("level")
        give_grant(session, looker.viewer, agent, member_id=member_id, service_account=slug, level=level)

    return _do(request, looker, agent, fields, work, Flash("The level is given", "It holds from the next request on."))


@router.post("/agents/{agent}/access/take")
def take(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Take a grant back."""

    def work(session: Session) -> None:
        take_grant(session, looker.viewer, agent, fields.text("grant"))

    flash = Flash("The level is taken back", "It holds from the next request on.")
    return _do(request, looker, agent, fields, work, flash)


def _do(
    request: Request, looker: Looking, agent: str, fields: Form, work: Callable[[Session], None], flash: Flash
) -> Response:
    store = store_of(request)
    if refusal := attempt(request, work, tells_rights=True):
        with store.read() as session:
            view = load(session, looker.viewer, agent, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/access"), flash)
