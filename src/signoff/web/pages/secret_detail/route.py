"""GET one secret; POST a new value, an older one, a grant, its end, what is said of it, its deletion.

A value comes in and goes to the vault. No answer here is drawn from a form that holds one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.connections import secrets as actions
from signoff.connections.states import Sensitivity
from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.web.dates import day
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.secret_detail.query import load

router = APIRouter()
page = Page(__file__)

_SENSITIVITIES: tuple[Sensitivity, ...] = ("standard", "high")


@router.get("/secrets/{secret}")
def secret_detail(request: Request, looker: Looker, secret: str) -> Response:
    """One secret, without its value."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, secret)
    return page.draw(request, "page.html", view)


@router.post("/secrets/{secret}/replace")
def replace(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Put a new value in place of the old."""

    def work(session: Session) -> Flash:
        vault, reference = house_of(request).services.vault, fields.text("reference").strip()
        version = actions.replace_secret(
            session,
            looker.viewer,
            vault,
            secret,
            value=fields.text("value") or (None if reference else ""),
            reference=reference or None,
            reason=fields.text("reason"),
            expires_at=day(fields.text("expires_at")),
        )
        return Flash(f"The value is replaced; this is version {version}", "Calls use it from now on.")

    return _done(request, looker, secret, fields, work)


@router.post("/secrets/{secret}/restore")
def restore(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Bring an older value back, as a new version."""

    def work(session: Session) -> Flash:
        vault, old = house_of(request).services.vault, _number(fields.text("version"))
        number = actions.restore_secret(
            session, looker.viewer, vault, secret, version=old, reason=fields.text("reason")
        )
        return Flash(f"Version {old} is back, as version {number}", "Calls use it from now on.")

    return _done(request, looker, secret, fields, work)


@router.post("/secrets/{secret}/grant")
def grant(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Let an agent use it."""

    def work(session: Session) -> Flash:
        agent = fields.text("agent")
        actions.grant_secret(session, looker.viewer, secret, agent, reason=fields.text("reason"))
        return Flash(f"{agent} may use it", "Its revision has to list it too.")

    return _done(request, looker, secret, fields, work)


@router.post("/secrets/{secret}/withdraw")
def withdraw(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Take it from an agent."""

    def work(session: Session) -> Flash:
        agent = fields.text("agent")
        actions.withdraw_secret(session, looker.viewer, secret, agent, reason=fields.text("reason"))
        return Flash(f"{agent} may no longer use it", "That holds from its next call on.")

    return _done(request, looker, secret, fields, work)


@router.post("/secrets/{secret}/close")
def close(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """End that every agent may use it."""

    def work(session: Session) -> Flash:
        actions.close_secret(session, looker.viewer, secret, reason=fields.text("reason"))
        return Flash("Only the agents it is granted to may use it now")

    return _done(request, looker, secret, fields, work)


@router.post("/secrets/{secret}/share")
def share(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Make a personal login the workspace's own."""

    def work(session: Session) -> Flash:
        actions.share_secret(session, looker.viewer, secret, reason=fields.text("reason"))
        return Flash("It belongs to the workspace now")

    return _done(request, looker, secret, fields, work)


@router.post("/secrets/{secret}/edit")
def edit(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Say anew what it is, how sensitive, and when it runs out."""

    def work(session: Session) -> Flash:
        actions.edit_secret(
            session,
            looker.viewer,
            secret,
            description=fields.text("description"),
            sensitivity=_sensitivity(fields.text("sensitivity")),
            expires_at=day(fields.text("expires_at")),
            reason=fields.text("reason"),
        )
        return Flash("Kept")

    return _done(request, looker, secret, fields, work)


@router.post("/secrets/{secret}/delete")
def delete(request: Request, looker: Looker, secret: str, fields: Fields) -> Response:
    """Forget it for good."""

    def work(session: Session) -> Flash:
        actions.delete_secret(session, looker.viewer, secret, reason=fields.text("reason"))
        return Flash("The secret is deleted")

    return _done(request, looker, secret, fields, work, to="/secrets")


def _done(
    request: Request, looker: Looker, secret: str, fields: Form, work: Callable[[Session], Flash], to: str = ""
) -> Response:
    """Carry out one action; a refusal is told on the page, which keeps what was typed but a value."""
    house = house_of(request)
    try:
        with house.store.write() as session:
            flash = work(session)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        typed = {name: fields.text(name) for name in ("description", "expires_at", "sensitivity") if name in fields}
        with house.store.read() as session:
            view = load(session, looker.viewer, secret, problem=refusal.detail, errors=refusal.errors, typed=typed)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(to or f"/secrets/{secret}"), flash)


def _sensitivity(text: str) -> Sensitivity:
    if text not in _SENSITIVITIES:
        sentence = "Choose standard or high."
        raise Malformed(sentence, errors={"sensitivity": [sentence]})
    return cast("Any", text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
