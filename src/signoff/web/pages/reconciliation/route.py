"""GET the list and one act; POST what became of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import Malformed, NotNow
from signoff.runs import actions
from signoff.web.flash import Flash
from signoff.web.forms import Fields, NotJson, parse_json
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.reconciliation.query import Entered, load_effect, load_list

router = APIRouter()
page = Page(__file__)


@router.get("/reconciliation")
def reconciliation(request: Request, looker: Looker, tab: str = "open", cursor: str | None = None) -> Response:
    """The acts to settle, or those that were."""
    with store_of(request).read() as session:
        view = load_list(session, looker.viewer, tab, cursor)
    return page.draw(request, "page.html", view)


@router.get("/reconciliation/{key}")
def reconciliation_effect(request: Request, key: str, looker: Looker) -> Response:
    """One act."""
    with store_of(request).read() as session:
        view = load_effect(session, looker.viewer, key)
    return page.draw(request, "effect.html", view)


@router.post("/reconciliation/{key}")
def reconciliation_settle(request: Request, key: str, looker: Looker, fields: Fields) -> Response:
    """Say what became of it."""
    outcome, result, reason = fields.text("outcome"), fields.text("result"), fields.text("reason")
    store = store_of(request)
    try:
        if not outcome:
            raise Malformed("Choose what you found.", errors={"outcome": ["choose one of the three"]})
        with store.write() as session:
            goes_on = actions.settle_effect(
                session,
                looker.viewer,
                key,
                outcome=outcome,  # pyright: ignore[reportArgumentType]  # The action refuses what is none of the three.
                reason=reason,
                result=_result(result) if outcome == "happened" else None,
            )
    except (Malformed, NotNow) as refusal:
        entered = Entered(outcome, result, reason, refusal.detail, dict(refusal.errors))
        with store.read() as session:
            view = load_effect(session, looker.viewer, key, entered)
        # A form that cannot be sent any more becomes the page that says who was first.
        status = 422 if view.is_open else refusal.status
        if is_partial(request):
            return page.draw(request, "_settle.html", view, status=422)
        return page.draw(request, "effect.html", view, status=status)
    words = "The run goes on." if goes_on else "The run goes on when its other acts are settled, or has ended."
    return see_other(request, looker.chrome.href("/reconciliation"), Flash("Settled", words))


def _result(text: str) -> Any:
    """Return a result as data where it is JSON, else as the text it is."""
    if not text.strip():
        return None
    found = parse_json(text)
    return text.strip() if isinstance(found, NotJson) else found
