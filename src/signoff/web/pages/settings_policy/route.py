"""GET the policy; POST another, tried first or set."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.watch.probes.policies import set_policy, try_policy
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_policy.query import load

router = APIRouter()
page = Page(__file__)
_PATH = "/settings/policy"


@router.get(_PATH)
def settings_policy(request: Request, looker: Looker) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.post(_PATH)
def change(request: Request, looker: Looker, fields: Fields) -> Response:
    """Say what another file would change, or let it hold. What is wrong is said with its place; nothing is lost."""
    store, text, reason = store_of(request), fields.text("text"), fields.text("reason")
    try:
        if fields.text("do") == "try":
            with store.read() as session:
                tried = try_policy(session, looker.viewer, text)
                view = load(session, looker.viewer, text=text, reason=reason, tried=tried)
            return page.draw(request, "page.html", view)
        seen = fields.text("version")
        expected = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1
        with store.write() as session:
            set_policy(session, looker.viewer, text, reason=reason, expected=expected)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store.read() as session:
            view = load(session, looker.viewer, text=text, reason=reason, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status)
    done = Flash("Another policy holds", "Every gate asks by it from now on.")
    return see_other(request, looker.chrome.href(_PATH), done)
