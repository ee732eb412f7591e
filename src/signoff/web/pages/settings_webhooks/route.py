"""GET the list, the form, one webhook; POST a new one, a change, a new secret, a test, off and on, the end of one."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_webhooks.query import BASE, load, load_new, load_one
from signoff.webhooks import actions

router = APIRouter()
page = Page(__file__)
SHOWN_ONCE = {"Cache-Control": "no-store"}
_OVERLAP_HOURS = ("0", "1", "24", "168")


@router.get(BASE)
def settings_webhooks(request: Request, looker: Looker) -> Response:
    """The list."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.get(f"{BASE}/new")
def new(request: Request, looker: Looker) -> Response:
    """The form for a new one."""
    with store_of(request).read() as session:
        view = load_new(session, looker.viewer)
    return page.draw(request, "new.html", view)


@router.post(BASE)
def make(request: Request, looker: Looker, fields: Fields) -> Response:
    """Make a webhook, and show its secret, this once."""
    vault = house_of(request).services.vault
    try:
        with store_of(request).write() as session:
            made = actions.create_webhook(
                session, looker.viewer, vault, name=fields.text("name"), url=fields.text("url"),
                events=fields.texts("events"), agents=_agents(fields), allows_http=_allows_http(request),
            )  # fmt: skip
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load_new(session, looker.viewer, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "new.html", view, status=refusal.status)
    with store_of(request).read() as session:
        view = load_one(session, looker.viewer, made.id, made=made)
    return page.draw(request, "webhook.html", view, status=201, headers=SHOWN_ONCE)


@router.get(f"{BASE}/{{webhook}}")
def one(request: Request, looker: Looker, webhook: str, cursor: str | None = None) -> Response:
    """One webhook with its messages."""
    with store_of(request).read() as session:
        view = load_one(session, looker.viewer, webhook, cursor=cursor)
    return page.draw(request, "webhook.html", view)


@router.post(f"{BASE}/{{webhook}}")
def change(request: Request, looker: Looker, webhook: str, fields: Fields) -> Response:
    """Change name, address, events or agents."""

    def work(session: Session) -> None:
        actions.change_webhook(
            session, looker.viewer, webhook, name=fields.text("name"), url=fields.text("url"),
            events=fields.texts("events"), agents=_agents(fields), allows_http=_allows_http(request),
        )  # fmt: skip

    return _do(request, looker, webhook, work, Flash("Saved", "It holds for what happens from now on."), form=fields)


@router.post(f"{BASE}/{{webhook}}/secret")
def rotate(request: Request, looker: Looker, webhook: str, fields: Fields) -> Response:
    """Make a new signing secret, and show it, this once."""
    hours = fields.text("overlap", "24")
    seconds = int(hours) * 3_600 if hours in _OVERLAP_HOURS else actions.OVERLAP_SECONDS
    with store_of(request).write() as session:
        made = actions.rotate_secret(
            session, looker.viewer, house_of(request).services.vault, webhook, overlap_seconds=seconds
        )
    with store_of(request).read() as session:
        view = load_one(session, looker.viewer, webhook, made=made, is_rotated=True)
    return page.draw(request, "webhook.html", view, headers=SHOWN_ONCE)


@router.post(f"{BASE}/{{webhook}}/test")
def test(request: Request, looker: Looker, webhook: str) -> Response:
    """Send a message that tells of nothing."""
    address = house_of(request).settings.address

    def work(session: Session) -> None:
        actions.send_test(session, looker.viewer, webhook, address=address)

    return _do(request, looker, webhook, work, Flash("A test is on its way", "Load the page again to see its answer."))


@router.post(f"{BASE}/{{webhook}}/again")
def again(request: Request, looker: Looker, webhook: str, fields: Fields) -> Response:
    """Send a message once more."""

    def work(session: Session) -> None:
        actions.send_again(session, looker.viewer, webhook, fields.text("delivery"))

    flash = Flash("It is sent again", "Under the same id, so that whoever has it already knows it.")
    return _do(request, looker, webhook, work, flash)


@router.post(f"{BASE}/{{webhook}}/enable")
def enable(request: Request, looker: Looker, webhook: str) -> Response:
    """Tell it of what happens from now on."""

    def work(session: Session) -> None:
        actions.enable_webhook(session, looker.viewer, webhook)

    return _do(request, looker, webhook, work, Flash("It is on", "It is told of what happens from now on."))


@router.post(f"{BASE}/{{webhook}}/disable")
def disable(request: Request, looker: Looker, webhook: str) -> Response:
    """Tell it of nothing any more."""

    def work(session: Session) -> None:
        actions.disable_webhook(session, looker.viewer, webhook)

    return _do(request, looker, webhook, work, Flash("It is off", "What was still to be sent is dropped."))


@router.post(f"{BASE}/{{webhook}}/delete")
def delete(request: Request, looker: Looker, webhook: str) -> Response:
    """End a webhook."""

    def work(session: Session) -> None:
        actions.delete_webhook(session, looker.viewer, webhook)

    return _do(request, looker, webhook, work, Flash("The webhook is deleted"), to=BASE)


def _do(
    request: Request,
    looker: Looking,
    webhook: str,
    work: Callable[[Session], None],
    flash: Flash,
    *,
    form: Form | None = None,
    to: str = "",
) -> Response:
    try:
        with store_of(request).write() as session:
            work(session)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store_of(request).read() as session:
            view = load_one(session, looker.viewer, webhook, form=form, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "webhook.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(to or f"{BASE}/{webhook}"), flash)


def _agents(fields: Form) -> list[str]:
    return fields.text("agents").replace(",", " ").split()


def _allows_http(request: Request) -> bool:
    # Without encryption only where the operator allows addresses that are not public.
    settings = house_of(request).settings
    return settings.allow_loopback or bool(settings.allow_private_networks)
