"""GET the form; POST an incident."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.incidents.opening import Declared, declare_incident
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.incident_new.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/incidents/new")
def incident_new(
    request: Request, looker: Looker, agent: str = "", run: str = "", alert: str = "", title: str = ""
) -> Response:
    """The form; what is known already stands in it."""
    known = {"agent": agent[:100], "run": run[:100], "alert": alert[:100], "title": title[:200]}
    form = Form({name: (value,) for name, value in known.items() if value})
    with store_of(request).read() as session:
        view = load(session, looker.viewer, form)
    return page.draw(request, "page.html", view)


@router.post("/incidents")
def declare(request: Request, looker: Looker, fields: Fields) -> Response:
    """Declare it."""
    made: list[str] = []
    # What is no symptom or no severity is refused by the room.
    symptom: Any = fields.text("symptom", "other")
    severity: Any = fields.text("severity") or None
    said = Declared(
        title=fields.text("title"), words=fields.text("words"), symptom=symptom, severity=severity,
        agent=fields.text("agent") or None, environment=fields.text("environment") or None,
        alert_id=fields.text("alert") or None, runs=tuple(one for one in fields.texts("run") if one),
    )  # fmt: skip

    def change(session: Session) -> None:
        made.append(declare_incident(session, looker.viewer, said))

    if refusal := attempt(request, change, tells_rights=True):
        with store_of(request).read() as session:
            view = load(session, looker.viewer, fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status)
    done = Flash("The incident is declared", "Its checklist says what to do next.", "wait")
    return see_other(request, looker.chrome.href(f"/incidents/{made[0]}"), done)
