"""GET the list, one account, the form; POST a new account, a change, off and on, the end of one."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.kit.errors import NotFound, Refusal
from signoff.people.access import Principal
from signoff.people.account_queries import service_account
from signoff.people.actions import (
    change_service_account,
    create_service_account,
    delete_service_account,
    disable_service_account,
    enable_service_account,
)
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_service_accounts.query import ALL, NOBODY, load, load_new, load_one

router = APIRouter()
page = Page(__file__)
BASE = "/settings/keys/accounts"


@router.get(BASE)
def settings_service_accounts(request: Request, looker: Looker, cursor: str | None = None) -> Response:
    """The list."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, cursor=cursor)
    return page.draw(request, "page.html", view)


@router.get(f"{BASE}/new")
def new(request: Request, looker: Looker) -> Response:
    """The form for a new one."""
    with store_of(request).read() as session:
        view = load_new(session, looker.viewer)
    return page.draw(request, "new.html", view)


@router.post(BASE)
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make an account, and show it: the next thing is a key."""
    slug = fields.text("slug").strip().lower()
    try:
        with store_of(request).write() as session:
            create_service_account(
                session,
                looker.viewer,
                slug=slug,
                name=fields.text("name"),
                role=fields.text("role"),
                description=fields.text("description"),
                environment=None if fields.text("environment") == ALL else fields.text("environment"),
                contact_id=_contact(fields) or None,
            )
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load_new(session, looker.viewer, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "new.html", view, status=refusal.status)
    flash = Flash("The service account is made", "Now make a key for it.")
    return see_other(request, looker.chrome.href(f"{BASE}/{slug}"), flash)


def _contact(fields: Form) -> str:
    return "" if fields.text("contact") == NOBODY else fields.text("contact")


@router.get(f"{BASE}/{{account}}")
def one(request: Request, looker: Looker, account: str) -> Response:
    """One account with its keys."""
    with store_of(request).read() as session:
        view = load_one(session, looker.viewer, account)
    return page.draw(request, "account.html", view)


@router.post(f"{BASE}/{{account}}")
def change(request: Request, looker: Looker, account: str, fields: Fields) -> Response:
    """Change name, description, role or contact."""

    def work(session: Session, viewer: Principal, account_id: str) -> None:
        change_service_account(
            session,
            viewer,
            account_id,
            name=fields.text("name"),
            description=fields.text("description"),
            role=fields.text("role"),
            contact_id=_contact(fields),
        )

    return _do(
        request, looker, account, work, Flash("Saved", "It holds for its keys from the next request on."), fields
    )


@router.post(f"{BASE}/{{account}}/disable")
def disable(request: Request, looker: Looker, account: str) -> Response:
    """Stop every key of an account."""
    flash = Flash("The account is disabled", "Its keys are turned away with the next request.")
    return _do(request, looker, account, disable_service_account, flash)


@router.post(f"{BASE}/{{account}}/enable")
def enable(request: Request, looker: Looker, account: str) -> Response:
    """Let the keys of an account work again."""
    flash = Flash("The account is enabled", "Its keys work again.")
    return _do(request, looker, account, enable_service_account, flash)


@router.post(f"{BASE}/{{account}}/delete")
def delete(request: Request, looker: Looker, account: str) -> Response:
    """Delete an account that has no living key."""
    flash = Flash("The account is deleted", "What it did stays in the record.")
    return _do(request, looker, account, delete_service_account, flash, to=BASE)


def _do(
    request: Request,
    looker: Looking,
    name: str,
    work: Callable[[Session, Principal, str], None],
    flash: Flash,
    form: Form | None = None,
    to: str = "",
) -> Response:
    try:
        with store_of(request).write() as session:
            found = service_account(session, looker.viewer, name)
            work(session, looker.viewer, found.id)
    except NotFound:
        raise
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load_one(session, looker.viewer, name, form=form, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "account.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(to or f"{BASE}/{found.slug}"), flash)
