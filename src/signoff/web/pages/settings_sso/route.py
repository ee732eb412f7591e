"""GET the list, the form, one provider; POST a new one, a change, a test, a switch, a confirmation, the end of one.

No answer here is drawn from a form that holds a client secret: the field comes back empty.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.connectors.oidc.refused import OidcRefused
from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.people.actions.identities import unlink_identity
from signoff.people.actions.providers import (
    add_provider,
    change_provider,
    remove_provider,
    switch_provider,
    vouch_for_provider,
)
from signoff.people.actions.sso_only import set_sso_only
from signoff.web.address import public_address
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_sso.query import Finding, findings_of, input_of, load, load_new, load_one

router = APIRouter()
page = Page(__file__)


@router.get("/settings/sso")
def settings_sso(request: Request, looker: Looker) -> Response:
    """The list."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.get("/settings/sso/new")
def new(request: Request, looker: Looker) -> Response:
    """The form for a new one."""
    with store_of(request).read() as session:
        view = load_new(session, looker.viewer, address=public_address(request))
    return page.draw(request, "new.html", view)


@router.post("/settings/sso")
def add(request: Request, looker: Looker, fields: Fields) -> Response:
    """Keep a new one, switched off, and go on to it to test it."""
    house = house_of(request)
    try:
        with house.store.write() as session:
            made = add_provider(
                session,
                looker.viewer,
                house.single_sign_on.sealer,
                house.single_sign_on.guard,
                input_of(fields),
                provider_id=fields.text("id"),
            )
    except NotFound:
        raise
    except Refusal as refusal:
        with house.store.read() as session:
            view = load_new(
                session,
                looker.viewer,
                address=public_address(request),
                form=fields,
                problem=refusal.detail,
                errors=refusal.errors,
            )
        return page.draw(request, "new.html", view, status=refusal.status)
    flash = Flash("The provider is kept, and switched off", "Test it, then switch it on.")
    return see_other(request, looker.chrome.href(f"/settings/sso/{made}"), flash)


@router.post("/settings/sso/passwords")
def passwords(request: Request, looker: Looker, fields: Fields) -> Response:
    """Close the workspace to passwords, or open it again."""
    is_on = fields.is_on("sso_only")
    try:
        with store_of(request).write() as session:
            set_sso_only(session, looker.viewer, is_on=is_on)
    except NotAllowed:
        raise
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load(session, looker.viewer, problem=refusal.detail)
        return page.draw(request, "page.html", view, status=refusal.status)
    flash = (
        Flash("Members come in through single sign-on only", "It holds from their next request on.")
        if is_on
        else Flash("Passwords work again")
    )
    return see_other(request, looker.chrome.href("/settings/sso"), flash)


@router.get("/settings/sso/{provider}")
def one(request: Request, looker: Looker, provider: str) -> Response:
    """One provider."""
    return _draw(request, looker, provider)


@router.post("/settings/sso/{provider}")
def change(request: Request, looker: Looker, provider: str, fields: Fields) -> Response:
    """Change it."""
    house = house_of(request)
    version = fields.text("version")
    try:
        with house.store.write() as session:
            change_provider(
                session,
                looker.viewer,
                house.single_sign_on.sealer,
                house.single_sign_on.guard,
                provider,
                input_of(fields),
                version=int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0,
            )
    except NotFound:
        raise
    except Refusal as refusal:
        return _draw(request, looker, provider, form=fields, refusal=refusal, status=refusal.status)
    return see_other(request, _at(looker, provider), Flash("Saved", "It holds for the next sign-in."))


@router.post("/settings/sso/{provider}/test")
async def test(request: Request, looker: Looker, provider: str) -> Response:
    """Ask the provider what it is, and show what it said."""
    house = house_of(request)
    try:
        findings = findings_of(await house.single_sign_on.inspect(looker.viewer, provider))
    except OidcRefused as refused:
        findings: list[Finding] = [("bad", "It cannot be used as it is", refused.about, None)]
    view = await house.store.read_async(
        load_one, looker.viewer, provider, address=public_address(request), findings=findings
    )
    return page.draw(request, "provider.html", view)


@router.post("/settings/sso/{provider}/switch")
def switch(request: Request, looker: Looker, provider: str, fields: Fields) -> Response:
    """Switch it on or off."""
    is_on = fields.text("to") == "on"
    done = (
        Flash("It is switched on", "The sign-in page offers it now.")
        if is_on
        else Flash("It is switched off", "Every session it opened has ended.")
    )

    def work(session: Session) -> None:
        switch_provider(session, looker.viewer, provider, is_enabled=is_on)

    return _do(request, looker, provider, work, _at(looker, provider), done)


@router.post("/settings/sso/{provider}/confirm")
def confirm(request: Request, looker: Looker, provider: str, fields: Fields) -> Response:
    """Let owners in through it, as it stands."""
    version = fields.text("version")

    def work(session: Session) -> None:
        known = int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0
        vouch_for_provider(session, looker.viewer, provider, version=known)

    done = Flash("Owners may sign in through it", "Until somebody who is no owner changes it.")
    return _do(request, looker, provider, work, _at(looker, provider), done)


@router.post("/settings/sso/{provider}/unlink/{identity}")
def unlink(request: Request, looker: Looker, provider: str, identity: str) -> Response:
    """Forget which member an account is."""

    def work(session: Session) -> None:
        unlink_identity(session, looker.viewer, identity)

    done = Flash("The account is unlinked", "Its sessions have ended; its next sign-in links it by e-mail address.")
    return _do(request, looker, provider, work, _at(looker, provider), done)


@router.post("/settings/sso/{provider}/remove")
def remove(request: Request, looker: Looker, provider: str) -> Response:
    """Forget it."""

    def work(session: Session) -> None:
        remove_provider(session, looker.viewer, provider)

    done = Flash("The provider is removed", "Every session it opened has ended; members stay members.")
    return _do(request, looker, provider, work, looker.chrome.href("/settings/sso"), done)


def _do(
    request: Request, looker: Looking, provider: str, work: Callable[[Session], None], to: str, done: Flash
) -> Response:
    if refusal := attempt(request, work, tells_rights=True):
        return _draw(request, looker, provider, problem=refusal.detail, status=refusal.status)
    return see_other(request, to, done)


def _draw(
    request: Request,
    looker: Looking,
    provider: str,
    *,
    form: Form | None = None,
    refusal: Refusal | None = None,
    problem: str = "",
    status: int = 200,
) -> Response:
    with store_of(request).read() as session:
        view = load_one(
            session,
            looker.viewer,
            provider,
            address=public_address(request),
            form=form,
            problem=problem,
            form_problem=refusal.detail if refusal else "",
            errors=refusal.errors if refusal else None,
        )
    return page.draw(request, "provider.html", view, status=status)


def _at(looker: Looking, provider: str) -> str:
    return looker.chrome.href(f"/settings/sso/{provider}")
