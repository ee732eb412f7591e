"""GET the page that ships a revision; POST the request."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.releases.actions import ship
from signoff.releases.activations import try_soon
from signoff.releases.queries import release
from signoff.releases.strategy import read_strategy
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.release_new.form import strategy_from
from signoff.web.pages.release_new.query import load
from signoff.web.release_words import STATE_WORDS

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/revisions/{number}/release")
def release_new(request: Request, looker: Looker, agent: str, number: str, environment: str = "") -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, number=number, environment=environment)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/revisions/{number}/release")
def ask_release(request: Request, looker: Looker, agent: str, number: str, fields: Fields) -> Response:
    """Ask for the release. What keeps it back is said on the page, with what was typed."""
    store, environment = store_of(request), fields.text("environment")
    try:
        made = ship(
            store, looker.viewer, agent, environment=environment, revision=number, reason=fields.text("reason"),
            strategy=read_strategy(strategy_from(fields)), is_emergency=fields.text("is_emergency") == "yes",
            expected=fields.text("before") or None,
        )  # fmt: skip
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store.read() as session:
            view = load(
                session, looker.viewer, agent, number=number, environment=environment, form=fields,
                problem=refusal.detail, errors=refusal.errors,
            )  # fmt: skip
        return page.draw(request, "page.html", view, status=refusal.status)
    with store.write() as session:
        try_soon(session, made)
        facts = release(session, looker.viewer, made).facts
    done = Flash(f"Revision {facts.revision_number} in {facts.environment}: {STATE_WORDS[facts.state].lower()}")
    return see_other(request, looker.chrome.href(f"/releases/{made}"), done)
