"""GET what people vouched for; POST another word, or take one back."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.watch.probes.vouchings import Word, take_back, vouch
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_vouchings.query import load

router = APIRouter()
page = Page(__file__)
_KEPT = ("environment", "probe", "kind", "reason", "days", "revision", "link")


@router.get("/agents/{agent}/vouchings")
def agent_vouchings(request: Request, looker: Looker, agent: str, cursor: str | None = None) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, cursor=cursor)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/vouchings")
def give(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Vouch for an item. What is wrong is said with its field; nothing is lost."""
    try:
        with store_of(request).write() as session:
            vouch(session, looker.viewer, agent, environment=fields.text("environment"), word=_word(fields))
    except NotAllowed:
        raise
    except Refusal as refusal:
        return _refused(request, looker, agent, refusal, {name: fields.text(name) for name in _KEPT})
    done = Flash("Your word stands", "The next look at the evidence counts it.")
    return see_other(request, looker.chrome.href(f"/agents/{agent}/vouchings"), done)


@router.post("/agents/{agent}/vouchings/{vouching}/take-back")
def withdraw(request: Request, looker: Looker, agent: str, vouching: str) -> Response:
    """End a word before it lapses."""
    try:
        with store_of(request).write() as session:
            take_back(session, looker.viewer, vouching)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _refused(request, looker, agent, refusal, None)
    done = Flash("It was taken back", "The item is asked again from now on.", "wait")
    return see_other(request, looker.chrome.href(f"/agents/{agent}/vouchings"), done)


def _word(fields: Form) -> Word:
    days = fields.text("days")
    if not (days.isascii() and days.isdigit() and len(days) < 5):
        raise Malformed("Say for how many days.", errors={"days": ["A whole number of days."]})
    kind: Literal["waive", "attest"] = "attest" if fields.text("kind") == "attest" else "waive"
    return Word(
        probe=fields.text("probe"), kind=kind, reason=fields.text("reason"), days=int(days),
        revision=fields.text("revision") or None, link=fields.text("link"),
    )  # fmt: skip


def _refused(
    request: Request, looker: Looking, agent: str, refusal: Refusal, values: dict[str, str] | None
) -> Response:
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, values=values, problem=refusal.detail, errors=refusal.errors)
    return page.draw(request, "page.html", view, status=refusal.status)
