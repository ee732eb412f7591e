"""GET the limits; POST the daily cap, a limit, a price, a freeze."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import cast

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.budgets.caps import remove_price, set_daily_cap, set_price
from signoff.budgets.limits import FIELDS, Change, set_limits
from signoff.budgets.states import Covers, Scope
from signoff.budgets.windows import Period
from signoff.freezes.actions import lift_freeze, order_freeze
from signoff.kit.errors import Malformed
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_limits.query import load
from signoff.web.refused import Refused, amount

router = APIRouter()
page = Page(__file__)


@router.get("/settings/limits")
def settings_limits(request: Request, looker: Looker) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, house_of(request).services.limits)
    return page.draw(request, "page.html", view)


@router.post("/settings/limits/cap")
def set_cap(request: Request, looker: Looker, fields: Fields) -> Response:
    """Set the most the workspace may spend in a day; left empty, there is no cap."""

    def work(session: Session) -> None:
        cap = amount(fields, "cap_usd") if fields.text("cap_usd").strip() else None
        set_daily_cap(session, looker.viewer, cap_usd=cap)

    return _do(request, looker, fields, "cap", work, Flash("The daily cap is set", "It holds from the next call on."))


@router.post("/settings/limits/set")
def set_one(request: Request, looker: Looker, fields: Fields) -> Response:
    """Set what one target may spend in a day, a week, a month. An empty field stays as it is; `none` is no limit."""

    def work(session: Session) -> None:
        scope, _, target = fields.text("target").partition(":")
        caps: dict[Period, Decimal | None] = {
            period: _cap(fields, name) for period, name in FIELDS.items() if fields.text(name).strip()
        }
        if not caps:
            raise Malformed("Write at least one amount.", errors={"daily_usd": ["write at least one amount"]})
        change = Change(
            scope=cast("Scope", scope), target=target, covers=cast("Covers", fields.text("covers") or "all"), caps=caps,
            is_hard=fields.text("is_soft") != "yes",
        )  # fmt: skip
        set_limits(session, looker.viewer, house_of(request).services.limits, change)

    return _do(request, looker, fields, "set", work, Flash("The limit is set", "It holds from the next call on."))


def _cap(fields: Form, name: str) -> Decimal | None:
    return None if fields.text(name).strip().lower() == "none" else amount(fields, name)


@router.post("/settings/limits/prices")
def enter_price(request: Request, looker: Looker, fields: Fields) -> Response:
    """Enter the price of a model."""

    def work(session: Session) -> None:
        amounts = {name: amount(fields, name) for name in ("input_usd", "output_usd")}
        set_price(session, looker.viewer, model=fields.text("model").strip(), **amounts)

    return _do(request, looker, fields, "price", work, Flash("The price is set", "It holds from the next call on."))


@router.post("/settings/limits/prices/remove")
def forget_price(request: Request, looker: Looker, fields: Fields) -> Response:
    """Go back to the listed price of a model."""

    def work(session: Session) -> None:
        remove_price(session, looker.viewer, model=fields.text("model"))

    return _do(request, looker, fields, "remove", work, Flash("The price is removed", "The listed one holds again."))


@router.post("/settings/limits/freeze")
def freeze(request: Request, looker: Looker, fields: Fields) -> Response:
    """Stop all writing in the workspace."""

    def work(session: Session) -> None:
        order_freeze(session, looker.viewer, scope="workspace", reason=fields.text("reason"))

    flash = Flash("All writing is frozen", "It holds from the next tool call on. Reading goes on.", "wait")
    return _do(request, looker, fields, "freeze", work, flash)


@router.post("/settings/limits/lift")
def lift(request: Request, looker: Looker, fields: Fields) -> Response:
    """Let what was frozen write again."""

    def work(session: Session) -> None:
        lift_freeze(session, looker.viewer, fields.text("freeze"))

    return _do(request, looker, fields, "lift", work, Flash("The freeze is lifted"))


def _do(
    request: Request, looker: Looking, fields: Form, which: str, work: Callable[[Session], None], flash: Flash
) -> Response:
    """Do one thing and come back; or the page with the reason why not, and what was typed."""
    store = store_of(request)
    if refusal := attempt(request, work):
        with store.read() as session:
            view = load(
                session,
                looker.viewer,
                house_of(request).services.limits,
                Refused(which, refusal.detail, refusal.errors, fields),
            )
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href("/settings/limits"), flash)
