"""GET the list, one member, the invitation; POST an invitation, a role, a link, a mail, a hand-over, a removal.

A link is drawn on the answer to its own POST: it is kept nowhere that a redirect could fetch it from.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import hand_over_member
from signoff.kit.errors import NotAllowed, NotFound, NotNow, Refusal
from signoff.kit.sealing import Sealer
from signoff.people.actions import add_member, create_setup_link, remove_member, reset_second_factor, set_role
from signoff.people.queries import member as member_facts
from signoff.web.address import public_address
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_members.query import Link, load, load_invite, load_one

router = APIRouter()
page = Page(__file__)
SHOWN_ONCE = {"Cache-Control": "no-store"}


@router.get("/settings/members")
def settings_members(request: Request, looker: Looker, cursor: str | None = None) -> Response:
    """The list."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, cursor=cursor)
    return page.draw(request, "page.html", view)


@router.get("/settings/members/new")
def new(request: Request, looker: Looker) -> Response:
    """The invitation to fill in."""
    with store_of(request).read() as session:
        view = load_invite(session, looker.viewer, sends_mail=_sends_mail(request))
    return page.draw(request, "new.html", view)


@router.post("/settings/members")
def invite(request: Request, looker: Looker, fields: Fields) -> Response:
    """Let a person in, and show the link with which they come, this once."""
    store = store_of(request)
    try:
        with store.write() as session:
            email, name, role = (fields.text(field) for field in ("email", "name", "role"))
            is_mailed = _sends_mail(request)
            made = add_member(session, looker.viewer, email=email, name=name, role=role, sends_mail=is_mailed)
    except Refusal as refusal:
        with store.read() as session:
            view = load_invite(
                session,
                looker.viewer,
                form=fields,
                problem=refusal.detail,
                errors=refusal.errors,
                sends_mail=_sends_mail(request),
            )
        return page.draw(request, "new.html", view, status=refusal.status)
    link, note, mailed_to = None, "", ""
    try:
        with store.write() as session:
            made_link = _link(session, request, looker, made, by_mail=_sends_mail(request))
            link, mailed_to = (None, made_link.email) if _sends_mail(request) else (made_link, "")
    except NotNow as refusal:  # They have an account elsewhere: they are in, with the password they have.
        note = refusal.detail
    with store.read() as session:
        view = load(session, looker.viewer, link=link, note=note, mailed_to=mailed_to)
    return page.draw(request, "page.html", view, status=201, headers=SHOWN_ONCE)


def _sends_mail(request: Request) -> bool:
    return house_of(request).settings.smtp_url is not None


def _link(session: Session, request: Request, looker: Looking, member_id: str, *, by_mail: bool = False) -> Link:
    house = house_of(request)
    seconds = house.settings.setup_link_seconds
    person = member_facts(session, looker.viewer, member_id)
    purpose = "reset" if person.has_password else "invitation"
    token = create_setup_link(
        session,
        looker.viewer,
        member_id=member_id,
        purpose=purpose,
        lifetime_seconds=seconds,
        mail_with=Sealer(house.services.vault.keys) if by_mail else None,
    )
    address = f"{public_address(request)}/setup/{token}"
    return Link(address, person.name, person.email, max(seconds // 3600, 1), person.has_password)


@router.get("/settings/members/{member}")
def one(request: Request, looker: Looker, member: str) -> Response:
    """One member."""
    with store_of(request).read() as session:
        view = load_one(session, looker.viewer, member, sends_mail=_sends_mail(request))
    return page.draw(request, "member.html", view)


@router.post("/settings/members/{member}/role")
def give_role(request: Request, looker: Looker, member: str, fields: Fields) -> Response:
    """Give a member another role."""
    role = fields.text("role")
    try:
        with store_of(request).write() as session:
            set_role(session, looker.viewer, member, role=role)
            name = member_facts(session, looker.viewer, member).name
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _again(request, looker, member, refusal, role)
    flash = Flash(f"{name} has the role {role}", "It holds from the next request on.")
    return see_other(request, looker.chrome.href("/settings/members"), flash)


@router.post("/settings/members/{member}/link")
def make_link(request: Request, looker: Looker, member: str) -> Response:
    """Make a new one-time link for a member and show it, this once."""
    store = store_of(request)
    try:
        with store.write() as session:
            link = _link(session, request, looker, member)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _again(request, looker, member, refusal)
    with store.read() as session:
        view = load_one(session, looker.viewer, member, link=link, sends_mail=_sends_mail(request))
    return page.draw(request, "member.html", view, status=201, headers=SHOWN_ONCE)


@router.post("/settings/members/{member}/mail")
def mail_link(request: Request, looker: Looker, member: str) -> Response:
    """Mail a new one-time link to a member; older ones stop working."""
    try:
        if not _sends_mail(request):
            raise NotNow("This installation sends no mail. Make a link, and hand it over.")
        with store_of(request).write() as session:
            link = _link(session, request, looker, member, by_mail=True)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _again(request, looker, member, refusal)
    flash = Flash(f"A mail to {link.email} is on its way", "Links that were made before have stopped working.")
    return see_other(request, looker.chrome.href(f"/settings/members/{member}"), flash)


@router.post("/settings/members/{member}/second-factor/reset")
def reset_factor(request: Request, looker: Looker, member: str) -> Response:
    """Take a member's second factor away, because app and codes are lost."""
    try:
        with store_of(request).write() as session:
            reset_second_factor(session, looker.viewer, member)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _again(request, looker, member, refusal)
    flash = Flash("The second factor is reset", "Their sessions have ended. They sign in with their password alone.")
    return see_other(request, looker.chrome.href(f"/settings/members/{member}"), flash)


@router.post("/settings/members/{member}/remove")
def remove(request: Request, looker: Looker, member: str) -> Response:
    """Take a member out of the workspace."""
    try:
        with store_of(request).write() as session:
            is_invited = member_facts(session, looker.viewer, member).state == "invited"
            remove_member(session, looker.viewer, member)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _again(request, looker, member, refusal)
    flash = (
        Flash("The invitation is withdrawn", "Its link has stopped working.")
        if is_invited
        else Flash("The member is removed", "Their sessions here have ended. What they did stays in the record.")
    )
    return see_other(request, looker.chrome.href("/settings/members"), flash)


@router.post("/settings/members/{member}/hand-over")
def hand_over(request: Request, looker: Looker, member: str, fields: Fields) -> Response:
    """Hand over everything they own."""
    try:
        with store_of(request).write() as session:
            moved = hand_over_member(
                session, looker.viewer, member, to_member_id=fields.text("to"), reason=fields.text("reason")
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return _again(request, looker, member, refusal, form=fields)
    words = f"{len(moved.agents)} agents and {moved.secrets} secrets. What is left is listed on the page."
    return see_other(request, looker.chrome.href(f"/settings/members/{member}"), Flash("Handed over", words))


def _again(
    request: Request, looker: Looking, member: str, refusal: Refusal, role: str = "", form: Form | None = None
) -> Response:
    with store_of(request).read() as session:
        view = load_one(
            session,
            looker.viewer,
            member,
            role=role,
            problem=refusal.detail,
            errors=refusal.errors,
            sends_mail=_sends_mail(request),
            form=form,
        )
    return page.draw(request, "member.html", view, status=refusal.status)
