"""GET an agent's evaluators; POST a new one, a change, off and on, the end of one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.evaluations.actions import add_evaluator, change_evaluator, delete_evaluator
from signoff.evaluations.queries import evaluators_of
from signoff.kit.errors import Malformed
from signoff.web.attempt import attempt
from signoff.web.evaluator_form import kind_of, settings_from
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_evaluators.query import load

router = APIRouter()
page = Page(__file__)
BASE = "/agents/{agent}/evaluators"
_FROM_NOW_ON = "It holds for evaluations asked for from now on."


@router.get(BASE)
def agent_evaluators(request: Request, looker: Looker, agent: str, kind: str = "", edit: str = "") -> Response:
    """The page, with the form of a kind, or of one evaluator."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent, kind=kind, evaluator=edit)
    return page.draw(request, "page.html", view)


@router.post(BASE)
def add(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Add one."""
    kind = kind_of(fields.text("kind"))

    def work(session: Session) -> None:
        add_evaluator(
            session, looker.viewer, agent, name=fields.text("name"), kind=kind, settings=settings_from(fields, kind),
            weight=_weight(fields),
        )  # fmt: skip

    return _do(request, looker, agent, work, Flash("The evaluator is added", _FROM_NOW_ON), fields, kind=kind)


@router.post(f"{BASE}/{{evaluator}}")
def change(request: Request, looker: Looker, agent: str, evaluator: str, fields: Fields) -> Response:
    """Change one."""
    with store_of(request).read() as session:
        kinds = {one.id: one.kind for one in evaluators_of(session, looker.viewer, agent)}
    # Of one that is not there, the action says so.
    kind = kind_of(kinds.get(evaluator, ""))

    def work(session: Session) -> None:
        change_evaluator(
            session, looker.viewer, evaluator, name=fields.text("name"),
            settings=settings_from(fields, kind), weight=_weight(fields),
        )  # fmt: skip

    return _do(request, looker, agent, work, Flash("Saved", _FROM_NOW_ON), fields, evaluator=evaluator)


@router.post(f"{BASE}/{{evaluator}}/switch")
def switch(request: Request, looker: Looker, agent: str, evaluator: str, fields: Fields) -> Response:
    """Switch one off or on."""
    is_on = fields.text("to") == "on"

    def work(session: Session) -> None:
        change_evaluator(session, looker.viewer, evaluator, is_enabled=is_on)

    return _do(request, looker, agent, work, Flash("It is on" if is_on else "It is off", _FROM_NOW_ON), None)


@router.post(f"{BASE}/{{evaluator}}/delete")
def delete(request: Request, looker: Looker, agent: str, evaluator: str) -> Response:
    """Take one away."""

    def work(session: Session) -> None:
        delete_evaluator(session, looker.viewer, evaluator)

    return _do(request, looker, agent, work, Flash("It is gone", "Evaluations that had it keep what it said."), None)


def _weight(form: Form) -> Decimal:
    try:
        return Decimal(form.text("weight").strip() or "1")
    except InvalidOperation:
        words = "Give a number, such as 1 or 2.5."
        raise Malformed(words, errors={"weight": [words]}) from None


def _do(
    request: Request,
    looker: Looking,
    agent: str,
    work: Callable[[Session], None],
    flash: Flash,
    form: Form | None,
    *,
    kind: str = "",
    evaluator: str = "",
) -> Response:
    refusal = attempt(request, work)
    if refusal is None:
        return see_other(request, looker.chrome.href(f"/agents/{agent}/evaluators"), flash)
    with store_of(request).read() as session:
        view = load(
            session, looker.viewer, agent, kind=kind, evaluator=evaluator, form=form, problem=refusal.detail,
            errors=refusal.errors,
        )  # fmt: skip
    return page.draw(request, "page.html", view, status=refusal.status)
