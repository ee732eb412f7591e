"""GET who answers for an agent; POST somebody to ask, an answer, a withdrawal, a channel."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import accept_ownership, ask_owner, decline_ownership, withdraw_owner
from signoff.agents.hours import DAYS, read_hours
from signoff.approvals.actions.channels import add_channel, remove_channel
from signoff.people.queries import workspace
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_owners.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/owners")
def agent_owners(request: Request, looker: Looker, agent: str) -> Response:
    """Who answers for it."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, agent)
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/owners")
def ask(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Ask somebody."""

    def work(session: Session) -> None:
        hours = read_hours({day: fields.text(day) for day in DAYS})
        ask_owner(
            session, looker.viewer, agent, kind=fields.text("kind"), member_id=fields.text("member"), hours=hours,
            time_zone=fields.text("time_zone"),
        )  # fmt: skip

    flash = Flash("They are asked", "It waits for them on their Home page until they accept or decline.")
    return _do(request, looker, agent, fields, work, flash)


@router.post("/agents/{agent}/owners/accept")
def accept(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Say yes to being asked."""

    def work(session: Session) -> None:
        accept_ownership(session, looker.viewer, agent, fields.text("kind"))

    return _do(request, looker, agent, fields, work, Flash("You have accepted", "The audit keeps when."))


@router.post("/agents/{agent}/owners/decline")
def decline(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Say no to being asked."""

    def work(session: Session) -> None:
        decline_ownership(session, looker.viewer, agent, fields.text("kind"), reason=fields.text("reason"))

    return _do(request, looker, agent, fields, work, Flash("You have declined", "Whoever asked you is told, with why."))


@router.post("/agents/{agent}/owners/withdraw")
def withdraw(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Take somebody off a seat."""

    def work(session: Session) -> None:
        withdraw_owner(session, looker.viewer, agent, fields.text("kind"), fields.text("member"))

    return _do(request, looker, agent, fields, work, Flash("Withdrawn", "They do not answer for it any more."))


@router.post("/agents/{agent}/owners/channels")
def add(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Have requests of the agent told of somewhere."""
    house = house_of(request)
    settings = house.settings

    def work(session: Session) -> None:
        quiet = [fields.text("quiet_from"), fields.text("quiet_to")]
        add_channel(
            session, looker.viewer, house.services.vault, kind=fields.text("channel"), name=fields.text("name"),
            target=fields.text("target"), agent=agent, pace=fields.text("pace", "at_once"),
            quiet=quiet if any(quiet) else None,
            time_zone=workspace(session, looker.viewer).time_zone,
            allows_http=settings.allow_loopback or bool(settings.allow_private_networks),
        )  # fmt: skip

    flash = Flash("Its requests are told of there", "The next one shows it.")
    return _do(request, looker, agent, fields, work, flash)


@router.post("/agents/{agent}/owners/channels/remove")
def remove(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Have them told of there no more."""

    def work(session: Session) -> None:
        remove_channel(session, looker.viewer, fields.text("channel"), agent=agent)

    return _do(request, looker, agent, fields, work, Flash("They are told of there no more"))


def _do(
    request: Request, looker: Looking, agent: str, fields: Form, work: Callable[[Session], None], flash: Flash
) -> Response:
    store = store_of(request)
    if refusal := attempt(request, work):
        with store.read() as session:
            view = load(session, looker.viewer, agent, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/owners"), flash)
