"""GET what waits of one gate; POST which of them to look at together, then the decision on them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page
from signoff.web.pages.inbox.many import VERDICTS, decide_many, of_gate, preview

router = APIRouter()
page = Page(__file__)


@router.get("/inbox/many")
def inbox_many(request: Request, looker: Looker, agent: str = "", gate: str = "") -> Response:
    """All that waits for the viewer of one gate."""
    return page.draw(request, "many.html", of_gate(store_of(request), looker.viewer, agent, gate))


@router.post("/inbox/many/preview")
def inbox_many_preview(request: Request, looker: Looker, fields: Fields) -> Response:
    """The chosen ones, each with its arguments."""
    return page.draw(request, "many.html", preview(store_of(request), looker.viewer, fields.texts("pick")))


@router.post("/inbox/many")
def inbox_many_decide(request: Request, looker: Looker, fields: Fields) -> Response:
    """Decide the ticked ones; the answer says what came of each."""
    store, picks = store_of(request), fields.texts("pick")
    verdict, reason, code = fields.text("verdict"), fields.text("reason").strip(), fields.text("reason_code")
    again = preview(store, looker.viewer, picks, reason=reason, reason_code=code)
    problem = _problem(again.needs_reason if again.lines else False, verdict, bool(reason or code), picks)
    if problem:
        typed = {"reason": reason, "reason_code": code, "problem": problem}
        return page.draw(request, "many.html", preview(store, looker.viewer, picks, **typed), status=422)
    done = decide_many(
        store, looker.viewer, picks, agent=fields.text("agent"), gate=fields.text("gate"), verdict=verdict,
        reason=reason, code=code,
    )  # fmt: skip
    return page.draw(request, "many.html", done)


def _problem(needs_reason: bool, verdict: str, has_reason: bool, picks: tuple[str, ...]) -> str:
    if not picks:
        return "Nothing is ticked."
    if verdict not in VERDICTS:
        return "Choose: approve or deny."
    if verdict == "deny" and needs_reason and not has_reason:
        return "Say why: the agents are told, and the audit keeps it. Nothing was decided yet."
    return ""
