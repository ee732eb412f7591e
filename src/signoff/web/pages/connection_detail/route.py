"""GET the page, a tool's definition, the form that changes it; POST the buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.connections import actions, discovery
from signoff.connections.discovery import Checked
from signoff.freezes.actions import lift_freeze, order_freeze
from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.web.connection_form import config_from, kept
from signoff.web.filters import duration, plural
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.connection_detail.query import Said, load, load_definition, load_edit
from signoff.web.pages.connection_detail.tools import names_in

router = APIRouter()
page = Page(__file__)
BODY = "_body.html"


@router.get("/connections/{connection}")
def connection_detail(request: Request, looker: Looker, connection: str) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, connection)
    return page.page_or_fragment(request, view, BODY)


@router.get("/connections/{connection}/definition")
def definition(request: Request, looker: Looker, connection: str, tool: str = "") -> Response:
    """What a tool takes and says of itself."""
    with store_of(request).read() as session:
        view = load_definition(session, looker.viewer, connection, tool)
    return page.page_or_fragment(request, view, "_definition.html", "definition.html")


@router.post("/connections/{connection}/test")
async def test(request: Request, looker: Looker, connection: str) -> Response:
    """Try it now. That it does not work is an answer."""
    house = house_of(request)
    try:
        found = await discovery.check(house.store, house.services, looker.viewer, connection)
    except Refusal as refusal:
        return await _refused_later(request, looker, connection, refusal)
    return await _after_asking(request, looker, connection, found, "It works")


@router.post("/connections/{connection}/discover")
async def discover(request: Request, looker: Looker, connection: str) -> Response:
    """Ask for the tools and pin them."""
    house = house_of(request)
    try:
        found = await discovery.discover(house.store, house.services, looker.viewer, connection)
    except Refusal as refusal:
        return await _refused_later(request, looker, connection, refusal)
    return await _after_asking(request, looker, connection, found, _tools_found(found))


def _tools_found(found: Checked) -> str:
    seen = found.discovery
    if seen is None:
        return ""
    waiting = len(seen.added) + len(seen.changed)
    if waiting:
        return f"{plural(waiting, 'tool')} to look at"
    if seen.accepted:
        return f"{plural(len(seen.accepted), 'tool')} found and accepted"
    return f"{plural(len(seen.removed), 'tool')} gone" if seen.removed else "No tool has changed"


async def _after_asking(request: Request, looker: Looking, connection: str, found: Checked, good: str) -> Response:
    view = await store_of(request).read_async(load, looker.viewer, connection)
    took = f"It took {duration(found.seconds * 1000)}."
    flash = Flash(good, took) if found.ok else Flash("It does not work", f"{found.error} {took}", "bad")
    return page.after_post(request, looker.chrome.href(view.path), flash, BODY, view)


@router.post("/connections/{connection}/accept")
def accept(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Accept a new or changed tool, as it was looked at."""
    tool, seen = fields.text("tool"), fields.text("definition_hash")

    def work(session: Session) -> None:
        actions.accept_tool(session, looker.viewer, connection, tool=tool, definition_hash=seen)

    return _do(request, looker, connection, work, Flash(f"{tool[:80]} is accepted", "Agents may call it."))


@router.post("/connections/{connection}/effect")
def effect(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Set what a tool does to the world."""
    tool = fields.text("tool")

    def work(session: Session) -> None:
        actions.set_tool_effect(
            session,
            looker.viewer,
            connection,
            tool=tool,
            effect=fields.text("effect"),
            is_idempotent=fields.is_on("is_idempotent"),
        )

    return _do(request, looker, connection, work, Flash(f"{tool[:80]} is saved"), Said(tool=tool))


@router.post("/connections/{connection}/labels")
def labels(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Say what flows through a tool."""
    tool = fields.text("tool")

    def work(session: Session) -> None:
        actions.set_tool_labels(
            session,
            looker.viewer,
            connection,
            tool=tool,
            result=fields.text("result"),
            confidentiality=fields.text("confidentiality"),
            sinks=() if fields.is_on("no_target") else names_in(fields.text("sinks")) or None,
            payload=names_in(fields.text("payload")),
        )

    said = Said(tool=tool, about="labels")
    return _do(request, looker, connection, work, Flash(f"What flows through {tool[:80]} is saved"), said)


@router.post("/connections/{connection}/disable")
def disable(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Switch it off."""
    flash = Flash("The connection is off", "No call goes through it until it is enabled again.")
    return _do(request, looker, connection, _life(actions.disable_connection, looker, connection, fields), flash)


@router.post("/connections/{connection}/enable")
def enable(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Switch it on again."""
    flash = Flash("The connection is on", "Test it to see whether it still works.")
    return _do(request, looker, connection, _life(actions.enable_connection, looker, connection, fields), flash)


def _life(action: Any, looker: Looking, connection: str, fields: Fields) -> Callable[[Session], None]:
    def work(session: Session) -> None:
        action(session, looker.viewer, connection, reason=fields.text("reason"))

    return work


@router.post("/connections/{connection}/freeze")
def freeze(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Stop all writing through it; reading goes on."""
    reason = fields.text("reason")

    def work(session: Session) -> None:
        order_freeze(session, looker.viewer, scope="connection", target_id=connection, reason=reason)

    flash = Flash("Writing is frozen", "It holds from the next tool call on. Reading goes on.")
    return _do(request, looker, connection, work, flash, Said(reason=reason[:2_000]))


@router.post("/connections/{connection}/lift")
def lift(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Let agents write through it again."""

    def work(session: Session) -> None:
        lift_freeze(session, looker.viewer, fields.text("freeze"))

    return _do(request, looker, connection, work, Flash("The freeze is lifted", "Agents may write through it again."))


def _do(
    request: Request,
    looker: Looking,
    connection: str,
    work: Callable[[Session], None],
    flash: Flash,
    said: Said | None = None,
) -> Response:
    """Do one thing, then show the page as it is now; or the page with the reason why not."""
    store = store_of(request)
    try:
        with store.write() as session:
            work(session)
    except Refusal as refusal:
        return _refused(request, looker, connection, refusal, said or Said())
    with store.read() as session:
        view = load(session, looker.viewer, connection)
    return page.after_post(request, looker.chrome.href(view.path), flash, BODY, view)


def _refused(request: Request, looker: Looking, connection: str, refusal: Refusal, said: Said) -> Response:
    # What does not swap into a page becomes a message; it needs no page.
    if isinstance(refusal, NotAllowed | NotFound) or (is_partial(request) and not isinstance(refusal, Malformed)):
        raise refusal
    with store_of(request).read() as session:
        view = load(session, looker.viewer, connection, Said(refusal.detail, said.tool, said.reason, said.about))
    return page.page_or_fragment(request, view, BODY, status=refusal.status)


async def _refused_later(request: Request, looker: Looking, connection: str, refusal: Refusal) -> Response:
    return await store_of(request).run(_refused, request, looker, connection, refusal, Said())


@router.get("/connections/{connection}/edit")
def edit(request: Request, looker: Looker, connection: str) -> Response:
    """The form that changes it."""
    house = house_of(request)
    with house.store.read() as session:
        view = load_edit(session, looker.viewer, house.settings, connection)
    return page.draw(request, "edit.html", view)


@router.post("/connections/{connection}/edit")
def save(request: Request, looker: Looker, connection: str, fields: Fields) -> Response:
    """Change name and configuration."""
    house, version = house_of(request), fields.text("version")
    try:
        with house.store.write() as session:
            before = load_edit(session, looker.viewer, house.settings, connection).detail
            actions.edit_connection(
                session,
                looker.viewer,
                connection,
                name=fields.text("name"),
                config=config_from(before.row.kind, fields),
                version=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0,
                settings=house.settings,
            )
            after = load(session, looker.viewer, connection)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with house.store.read() as session:
            view = load_edit(
                session, looker.viewer, house.settings, connection,
                form=kept(fields), problem=refusal.detail, errors=refusal.errors,
            )  # fmt: skip
        return page.draw(request, "edit.html", view, status=refusal.status)
    locked = "It leads elsewhere now: enter its secrets again before it is used." if after.locked else "Test it."
    return see_other(request, looker.chrome.href(after.path), Flash("The connection is changed", locked))
