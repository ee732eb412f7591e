"""GET what an agent keeps, one entry, the move to another scope; POST an entry, a correction, an erasure, the move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.memories.actions import (
    add_entry,
    edit_entry,
    erase_all,
    erase_entry,
    migrate_memory,
    review_entry,
)
from signoff.memories.states import FATES, SCOPES, Fate, Scope
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.agent_memory.query import Asked, load, load_entry, load_move

router = APIRouter()
page = Page(__file__)
_SCOPES: dict[str, Scope] = {str(one): one for one in SCOPES}
_FATES: dict[str, Fate] = {str(one): one for one in FATES}


@router.get("/agents/{agent}/memory")
def agent_memory(
    request: Request,
    looker: Looker,
    agent: str,
    q: str = "",
    view: str = "all",
    environment: str = "",
    cursor: str = "",
) -> Response:
    """The list."""
    with store_of(request).read() as session:
        found = load(session, looker.viewer, agent, Asked(q, view, environment, cursor))
    return page.draw(request, "_rows.html" if is_partial(request) else "page.html", found)


@router.post("/agents/{agent}/memory")
def add(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Write an entry."""

    def work(session: Session) -> None:
        add_entry(session, looker.viewer, agent, text=fields.text("text"))

    return _do(request, looker, agent, fields, work, Flash("It is kept", "The agent finds it from its next run on."))


@router.post("/agents/{agent}/memory/erase")
def erase_everything(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Erase everything of one member, or everything shared."""

    def work(session: Session) -> None:
        erase_all(session, looker.viewer, agent, member_id=fields.text("member") or None)

    flash = Flash("Erased", "The texts are gone for good. The audit keeps that they were there.")
    return _do(request, looker, agent, fields, work, flash)


@router.get("/agents/{agent}/memory/move")
def move(request: Request, looker: Looker, agent: str) -> Response:
    """What moving to the other scope would do."""
    with store_of(request).read() as session:
        found = load_move(session, looker.viewer, agent)
    return page.draw(request, "move.html", found)


@router.post("/agents/{agent}/memory/move")
def do_move(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Move it."""
    store = store_of(request)
    try:
        to = _SCOPES.get(fields.text("to"))
        fate = _FATES.get(fields.text("entries"))
        if to is None or fate is None:
            raise Malformed("Say what becomes of the entries.", errors={"entries": ["choose one"]})
        with store.write() as session:
            migrate_memory(session, looker.viewer, agent, to=to, entries=fate, reason=fields.text("reason"))
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store.read() as session:
            found = load_move(session, looker.viewer, agent, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "move.html", found, status=refusal.status)
    flash = Flash("The memory is moved", "Now make a revision of that scope live: until then runs have no memory.")
    return see_other(request, looker.chrome.href(f"/agents/{agent}/memory"), flash)


@router.get("/agents/{agent}/memory/{entry}")
def memory_entry(request: Request, looker: Looker, agent: str, entry: str) -> Response:
    """One entry."""
    with store_of(request).read() as session:
        found = load_entry(session, looker.viewer, agent, entry)
    return page.draw(request, "entry.html", found)


@router.post("/agents/{agent}/memory/{entry}")
def edit(request: Request, looker: Looker, agent: str, entry: str, fields: Fields) -> Response:
    """Give it another text."""

    def work(session: Session) -> None:
        said = fields.text("version")
        version = int(said) if said.isascii() and said.isdigit() and len(said) < 7 else 0
        edit_entry(session, looker.viewer, agent, entry, text=fields.text("text"), version=version)

    return _on_entry(request, looker, agent, entry, fields, work, Flash("Corrected", "The text before is kept below."))


@router.post("/agents/{agent}/memory/{entry}/review")
def review(request: Request, looker: Looker, agent: str, entry: str, fields: Fields) -> Response:
    """Say that somebody looked at it."""

    def work(session: Session) -> None:
        review_entry(session, looker.viewer, agent, entry)

    flash = Flash("Looked at", "It stays, as untrusted as it was.")
    return _on_entry(request, looker, agent, entry, fields, work, flash)


@router.post("/agents/{agent}/memory/{entry}/erase")
def erase(request: Request, looker: Looker, agent: str, entry: str, fields: Fields) -> Response:
    """Erase it."""

    def work(session: Session) -> None:
        erase_entry(session, looker.viewer, agent, entry)

    flash = Flash("Erased", "The text is gone for good. The audit keeps that it was there.")
    return _do(request, looker, agent, fields, work, flash)


def _do(
    request: Request, looker: Looking, agent: str, fields: Form, work: Callable[[Session], None], flash: Flash
) -> Response:
    store = store_of(request)
    if refusal := attempt(request, work):
        told: dict[str, Any] = {"form": fields, "problem": refusal.detail, "errors": refusal.errors}
        with store.read() as session:
            found = load(session, looker.viewer, agent, Asked(), **told)
        return page.draw(request, "page.html", found, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/memory"), flash)


def _on_entry(
    request: Request,
    looker: Looking,
    agent: str,
    entry: str,
    fields: Form,
    work: Callable[[Session], None],
    flash: Flash,
) -> Response:
    store = store_of(request)
    if refusal := attempt(request, work):
        told: dict[str, Any] = {"form": fields, "problem": refusal.detail, "errors": refusal.errors}
        with store.read() as session:
            found = load_entry(session, looker.viewer, agent, entry, **told)
        return page.draw(request, "entry.html", found, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/memory/{entry}"), flash)
