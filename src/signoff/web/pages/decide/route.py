"""GET shows the request and changes nothing; POST answers it and uses the link up."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.approvals.links import decide_by_link
from signoff.approvals.states import Verdict
from signoff.kit.errors import Malformed, Refusal
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of
from signoff.web.page import Page
from signoff.web.pages.decide.query import load

router = APIRouter()
page = Page(__file__)

# A link in an address must not travel on: not to a cache, not to the next site.
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
_VERDICTS: dict[str, Verdict] = {"approve": "approve", "deny": "deny"}


@router.get("/decide/{token}")
def decide(request: Request, token: str) -> Response:
    """What is asked. Opening it changes nothing, so a mail scanner that does so answers nothing."""
    with house_of(request).services.store.read() as session:
        view = load(session, token)
    return page.draw(request, "page.html", view, status=200 if view.held else 410, headers=HEADERS)


@router.post("/decide/{token}")
def answer(request: Request, token: str, fields: Fields) -> Response:
    """Approve or deny as the link's member."""
    store = house_of(request).services.store
    problem, errors, status = "", {}, 200
    try:
        verdict = _verdict(fields)
        with store.write() as session:
            decide_by_link(
                session, token, verdict=verdict, reason=fields.text("reason") or None,
                reason_code=fields.text("reason_code") or None,
            )  # fmt: skip
    except Refusal as refusal:
        problem, errors, status = refusal.detail, refusal.errors, refusal.status
    with store.read() as session:
        view = load(session, token, reason=fields.text("reason"), problem=problem, errors=errors)
    return page.draw(request, "page.html", view, status=status, headers=HEADERS)


def _verdict(fields: Form) -> Verdict:
    said = fields.text("verdict")
    if said not in _VERDICTS:
        raise Malformed("Approve it or deny it.", errors={"verdict": ["approve or deny"]})
    return _VERDICTS[said]
