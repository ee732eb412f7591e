"""GET when one is away and how one is told; POST an absence, a channel, a code for a chat, and their ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.hours import checked_zone
from signoff.approvals.actions import come_back, go_away
from signoff.approvals.actions.channels import add_channel, remove_channel
from signoff.approvals.actions.chats import make_code, unlink_account
from signoff.kit.errors import Malformed, Refusal
from signoff.people.own import person_of
from signoff.web.coming_in import NOT_KEPT
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.profile_notices.query import load
from signoff.web.refused import NOT_REFUSED, Refused

router = APIRouter()
page = Page(__file__)


@router.get("/profile/notices")
def profile_notices(request: Request, looker: Looker) -> Response:
    """The page."""
    return _draw(request, looker)


@router.post("/profile/notices/away")
def away(request: Request, looker: Looker, fields: Fields) -> Response:
    """Be away for a time."""

    def work(session: Session) -> None:
        zone = person_of(session, looker.viewer).time_zone or "UTC"
        go_away(
            session, looker.viewer, starts_at=_moment(fields, "starts_at", zone),
            ends_at=_moment(fields, "ends_at", zone), delegate_id=fields.text("delegate_id"),
        )  # fmt: skip

    return _do(request, looker, "away", fields, work, Flash("Your requests go to them meanwhile"))


@router.post("/profile/notices/back")
def back(request: Request, looker: Looker, fields: Fields) -> Response:
    """Be back, or not go."""

    def work(session: Session) -> None:
        come_back(session, looker.viewer, fields.text("absence"))

    return _do(request, looker, "away", fields, work, Flash("You are asked yourself again"))


@router.post("/profile/notices/channels")
def add(request: Request, looker: Looker, fields: Fields) -> Response:
    """Be told this way."""
    house = house_of(request)
    settings = house.settings

    def work(session: Session) -> None:
        quiet = [fields.text("quiet_from"), fields.text("quiet_to")]
        add_channel(
            session, looker.viewer, house.services.vault, kind=fields.text("kind"), name=fields.text("name"),
            target=fields.text("target"), pace=fields.text("pace", "at_once"), quiet=quiet if any(quiet) else None,
            time_zone=checked_zone(fields.text("time_zone")) or person_of(session, looker.viewer).time_zone,
            allows_http=settings.allow_loopback or bool(settings.allow_private_networks),
        )  # fmt: skip

    return _do(request, looker, "channel", fields, work, Flash("You are told this way", "The next request shows it."))


@router.post("/profile/notices/channels/remove")
def remove(request: Request, looker: Looker, fields: Fields) -> Response:
    """Be told this way no more."""

    def work(session: Session) -> None:
        remove_channel(session, looker.viewer, fields.text("channel"))

    return _do(request, looker, "channel", fields, work, Flash("You are told this way no more"))


@router.post("/profile/notices/code")
def code(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make a code for a chat, shown on this one answer."""
    chat = fields.text("chat")
    try:
        with store_of(request).write() as session:
            made = make_code(session, looker.viewer, chat)
    except Refusal as refusal:
        return _draw(request, looker, Refused("chat", refusal.detail, refusal.errors), status=refusal.status)
    return _draw(request, looker, code=(chat, made))


@router.post("/profile/notices/unlink")
def unlink(request: Request, looker: Looker, fields: Fields) -> Response:
    """Let the account in a chat answer nothing any more."""

    def work(session: Session) -> None:
        unlink_account(session, looker.viewer, fields.text("chat"))

    return _do(request, looker, "chat", fields, work, Flash("That account answers nothing any more"))


def _do(
    request: Request, looker: Looking, which: str, fields: Form, work: Callable[[Session], None], flash: Flash
) -> Response:
    try:
        with store_of(request).write() as session:
            work(session)
    except Refusal as refusal:
        return _draw(request, looker, Refused(which, refusal.detail, refusal.errors, fields), status=refusal.status)
    return see_other(request, looker.chrome.href("/profile/notices"), flash)


def _moment(fields: Form, name: str, zone: str) -> datetime:
    """Return what a field for a moment says, in the person's zone.

    Raises:
        Malformed: it says none.
    """
    try:
        shown = datetime.fromisoformat(fields.text(name))
    except ValueError:
        shown = None
    if shown is None or not 1971 <= shown.year <= 8999:
        sentence = "Choose a day and a time."
        raise Malformed(sentence, errors={name: [sentence]})
    return shown if shown.tzinfo is not None else shown.replace(tzinfo=ZoneInfo(zone))


def _draw(
    request: Request,
    looker: Looking,
    refused: Refused = NOT_REFUSED,
    *,
    code: tuple[str, str] = ("", ""),
    status: int = 200,
) -> Response:
    has_mail = house_of(request).settings.smtp_url is not None
    with store_of(request).read() as session:
        view = load(session, looker.viewer, has_mail=has_mail, refused=refused, code=code)
    return page.draw(request, "page.html", view, status=status, headers=NOT_KEPT)
