"""GET the workspace; POST its name and time zone, and the chats from where its requests are answered."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.approvals.actions.chats import connect_chat, disconnect_chat
from signoff.kit.errors import Malformed, NotFound
from signoff.people.actions import change_workspace
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.settings_workspace.query import load
from signoff.web.refused import Refused

router = APIRouter()
page = Page(__file__)


@router.get("/settings/workspace")
def settings_workspace(request: Request, looker: Looker) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer)
    return page.draw(request, "page.html", view)


@router.post("/settings/workspace")
def change(request: Request, looker: Looker, fields: Fields) -> Response:
    """Rename it, or say when its days begin."""
    store = store_of(request)
    try:
        with store.write() as session:
            change_workspace(
                session, looker.viewer, name=fields.text("name"), time_zone=fields.text("time_zone").strip()
            )
    except Malformed as refusal:
        with store.read() as session:
            view = load(session, looker.viewer, Refused("workspace", refusal.detail, refusal.errors, fields))
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href("/settings/workspace"), Flash("The workspace is changed"))


@router.post("/settings/workspace/chats")
def connect(request: Request, looker: Looker, fields: Fields) -> Response:
    """Let a chat answer requests, or replace the secret it signs with."""
    house, store, kind = house_of(request), store_of(request), fields.text("chat")
    try:
        with store.write() as session:
            connect_chat(session, looker.viewer, house.services.vault, kind, secret=fields.text("secret"))
    except Malformed as refusal:
        with store.read() as session:
            view = load(session, looker.viewer, Refused(f"chat-{kind}", refusal.detail, refusal.errors))
        return page.draw(request, "page.html", view, status=refusal.status)
    flash = Flash("The chat is connected", "Each member shows under Being told which account there is theirs.")
    return see_other(request, looker.chrome.href("/settings/workspace"), flash)


@router.post("/settings/workspace/chats/disconnect")
def disconnect(request: Request, looker: Looker, fields: Fields) -> Response:
    """Let a chat answer nothing any more."""
    store = store_of(request)
    try:
        with store.write() as session:
            disconnect_chat(session, looker.viewer, fields.text("chat"))
    except (Malformed, NotFound) as refusal:
        with store.read() as session:
            view = load(session, looker.viewer, Refused("disconnect", refusal.detail, refusal.errors))
        return page.draw(request, "page.html", view, status=refusal.status)
    flash = Flash("The chat is disconnected", "What it sends is refused from now on.")
    return see_other(request, looker.chrome.href("/settings/workspace"), flash)
