"""GET the overview; POST its dialogs: what it is called and whose it is, disable, enable."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import disable_agent, edit_agent, enable_agent
from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.day import start_of_day
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_overview.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}")
def agent_overview(request: Request, looker: Looker, agent: str) -> Response:
    """The overview."""
    with store_of(request).read() as session:
        view = load(
            session, looker.viewer, agent, today=start_of_day(request), defaults=house_of(request).services.limits
        )
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/details")
def details(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Change what it is called and whose it is."""

    def change(session: Session) -> None:
        edit_agent(
            session,
            looker.viewer,
            agent,
            name=fields.text("name"),
            description=fields.text("description"),
            tags=[tag.strip() for tag in fields.text("tags").split(",") if tag.strip()],
            owner_id=fields.text("owner") or None,
            backup_id=fields.text("backup") or None,
        )

    return _do(request, looker, agent, change, Flash("Saved"), fields)


@router.post("/agents/{agent}/disable")
def disable(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Take no new runs."""

    def change(session: Session) -> None:
        disable_agent(session, looker.viewer, agent, reason=fields.text("reason"))

    done = Flash("The agent is disabled", "New runs are rejected; those under way finish.", "wait")
    return _do(request, looker, agent, change, done)


@router.post("/agents/{agent}/enable")
def enable(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Take runs again."""

    def change(session: Session) -> None:
        enable_agent(session, looker.viewer, agent, reason=fields.text("reason"))

    return _do(request, looker, agent, change, Flash("The agent is enabled", "It takes runs again."))


def _do(
    request: Request,
    looker: Looking,
    agent: str,
    change: Callable[[Session], None],
    done: Flash,
    fields: Form | None = None,
) -> Response:
    """One action; what it refuses is said on the same page, with the dialog's values kept."""
    store = store_of(request)
    try:
        with store.write() as session:
            change(session)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store.read() as session:
            view = load(
                session, looker.viewer, agent, today=start_of_day(request), defaults=house_of(request).services.limits,
                form=fields, problem=refusal.detail, errors=refusal.errors,
            )  # fmt: skip
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/agents/{agent}"), done)
