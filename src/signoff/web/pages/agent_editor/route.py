"""GET the editor and its checks; POST the draft, the freeze, and the way out of a conflict."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from signoff.agents.actions import save_draft_or_keep
from signoff.agents.draft_saves import draft_news
from signoff.agents.queries import draft_of, refused_saves
from signoff.agents.refusals import LintFailed, NothingToRedo, NothingToResetTo, NothingToUndo, StaleDraft
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of
from signoff.web.identity import Looker, Looking, still_looking
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.agent_editor.draft_form import body_from
from signoff.web.pages.agent_editor.query import (
    facts_for,
    load,
    load_checks,
    load_conflict,
    load_newer,
    load_tools,
    load_words,
)
from signoff.web.pages.agent_editor.stream import Newer, lines
from signoff.web.pages.agent_editor.ways import go, told, way_of

router = APIRouter()
page = Page(__file__)


@router.get("/agents/{agent}/edit")
def agent_editor(
    request: Request, looker: Looker, agent: str, whole: Annotated[str, Query(alias="open", max_length=200)] = ""
) -> Response:
    """The draft in its form; with every tool of one connection where `open` names it."""
    house = house_of(request)
    with house.store.read() as session:
        view = load(session, looker.viewer, house.services, agent, whole=whole)
    return page.draw(request, "page.html", view)


@router.get("/agents/{agent}/edit/tools")
def more_tools(
    request: Request,
    looker: Looker,
    agent: str,
    slot: Annotated[str, Query(max_length=1_000)] = "",
    but: Annotated[list[str] | None, Query(max_length=500)] = None,
) -> Response:
    """The tools of a connection that are not on the page yet."""
    if not is_partial(request):
        return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"))
    with house_of(request).store.read() as session:
        view = load_tools(session, looker.viewer, agent, slot, but or ())
    return page.draw(request, "_more_tools.html", view)


@router.get("/agents/{agent}/edit/words")
def more_words(request: Request, looker: Looker, agent: str) -> Response:
    """What the SOP editor completes, where it is too much for the page."""
    with house_of(request).store.read() as session:
        words = load_words(session, looker.viewer, agent)
    return JSONResponse(words, headers={"Cache-Control": "private, no-store"})


@router.post("/agents/{agent}/edit")
def save(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Save the draft as one text. A save that comes too late leads to both texts side by side."""
    house = house_of(request)
    body = _body(request, looker, agent, fields)
    try:
        save_draft_or_keep(house.store, looker.viewer, agent, body=body, version=_version(fields))
    except StaleDraft as refusal:
        return _to_conflict(request, looker, agent, refusal)
    except Malformed as refusal:
        return _again(request, looker, agent, fields, body, refusal, _version(fields))
    if not is_partial(request):
        return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"), Flash("The draft is saved"))
    with house.store.read() as session:
        view = load(session, looker.viewer, house.services, agent)
    return page.draw(request, "_saved.html", view, headers={"HX-Trigger": "saved"})


@router.post("/agents/{agent}/edit/checks")
def checks(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """What is wrong with the text as it is being typed. Nothing is saved."""
    house = house_of(request)
    body = _body(request, looker, agent, fields)
    with house.store.read() as session:
        view = load_checks(session, looker.viewer, house.services, body, agent)
    return page.draw(request, "_checks.html", view)


@router.post("/agents/{agent}/edit/freeze")
def freeze(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Save what is in the form, then freeze it: what is seen is what becomes the revision."""
    house = house_of(request)
    body, version = _body(request, looker, agent, fields), _version(fields)
    try:
        version = save_draft_or_keep(house.store, looker.viewer, agent, body=body, version=version)
        with house.store.write() as session:
            frozen = freeze_and_serve_first(
                session,
                looker.viewer,
                agent,
                reason=fields.text("reason"),
                name=fields.text("revision-name"),
                version=version,
                facts=facts_for(session, looker.viewer, house.services, body, agent),
            )
    except StaleDraft as refusal:
        return _to_conflict(request, looker, agent, refusal)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return _again(request, looker, agent, fields, body, refusal, version)
    serves = "It serves every environment." if frozen.number == 1 else "It serves nowhere yet: make it live here."
    to = looker.chrome.href(f"/agents/{agent}/revisions")
    return see_other(request, to, Flash(f"Revision {frozen.number} is frozen", serves))


@router.post("/agents/{agent}/edit/{verb}")
def go_back(
    request: Request, looker: Looker, agent: str, verb: Literal["undo", "redo", "reset"], fields: Fields
) -> Response:
    """Undo, redo or reset. What is in the form is saved first."""
    body, version = _body(request, looker, agent, fields), _version(fields)
    try:
        now = go(house_of(request).store, looker.viewer, agent, way_of(verb, fields), body=body, version=version)
    except StaleDraft as refusal:
        return _to_conflict(request, looker, agent, refusal)
    except (NothingToUndo, NothingToRedo, NothingToResetTo) as refusal:
        # What was typed was saved by then.
        return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"), Flash(refusal.detail, tone="wait"))
    except Malformed as refusal:
        return _again(request, looker, agent, fields, body, refusal, version)
    return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"), told(verb, now))


@router.get("/agents/{agent}/edit/events")
async def draft_events(
    request: Request,
    looker: Looker,
    agent: str,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**31 - 1)] = None,
) -> Response:
    """That somebody saved a newer version than the one on screen, as it happens."""
    store = house_of(request).store
    await store.read_async(draft_news, looker.viewer, agent)

    def draw(newer: Newer) -> str:
        return page.text("_newer.html", newer, looker.chrome)

    told_of = lines(
        store,
        looker.viewer,
        agent,
        after=max(after, last_event_id or 0),
        draw=draw,
        may_listen=lambda: still_looking(request, looker),
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told_of, media_type="text/event-stream", headers=headers)


@router.get("/agents/{agent}/edit/newer")
def newer(
    request: Request, looker: Looker, agent: str, version: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0
) -> Response:
    """What was changed since `version` was opened; what is typed on the page is left alone."""
    if not is_partial(request):
        return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"))
    with house_of(request).store.read() as session:
        view = load_newer(session, looker.viewer, agent, version)
    return page.draw(request, "_newer_diff.html", view)


@router.get("/agents/{agent}/edit/conflict/{kept}")
def conflict(request: Request, looker: Looker, agent: str, kept: str) -> Response:
    """Both texts, side by side."""
    with house_of(request).store.read() as session:
        view = load_conflict(session, looker.viewer, agent, kept)
    return page.draw(request, "conflict.html", view)


@router.post("/agents/{agent}/edit/conflict/{kept}")
def resolve(request: Request, looker: Looker, agent: str, kept: str, fields: Fields) -> Response:
    """Save what the reader made of the two, on top of the newer one."""
    house = house_of(request)
    with house.store.read() as session:
        mine = next((one for one in refused_saves(session, looker.viewer, agent, limit=50) if one.id == kept), None)
        theirs = draft_of(session, looker.viewer, agent).body
    if mine is None:
        raise NotFound("This text is not kept any more. Open the editor, and start from the saved draft.")
    rest = mine.body if fields.text("rest") == "mine" else theirs
    body: dict[str, Any] = {**rest, "sop": fields.text("sop")}
    try:
        save_draft_or_keep(house.store, looker.viewer, agent, body=body, version=_version(fields))
    except StaleDraft as refusal:
        return _to_conflict(request, looker, agent, refusal)
    except Malformed as refusal:
        with house.store.read() as session:
            view = load_conflict(session, looker.viewer, agent, kept, problem=refusal.detail)
        return page.draw(request, "conflict.html", view, status=refusal.status)
    to = looker.chrome.href(f"/agents/{agent}/edit")
    return see_other(request, to, Flash("The draft is saved", "The other text is kept in the agent's history."))


def _body(request: Request, looker: Looking, agent: str, fields: Form) -> dict[str, Any]:
    with house_of(request).store.read() as session:
        return body_from(fields, draft_of(session, looker.viewer, agent).body)


def _version(fields: Form) -> int:
    text = fields.text("version")
    # No version, or an impossible one, can never be the present one: such a save is refused, and its text is kept.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _to_conflict(request: Request, looker: Looking, agent: str, refusal: StaleDraft) -> Response:
    kept = refusal.extra.get("kept_as")
    if not isinstance(kept, str):  # A freeze found the draft changed between the save and itself.
        return see_other(request, looker.chrome.href(f"/agents/{agent}/edit"), Flash(refusal.detail, tone="wait"))
    return see_other(request, looker.chrome.href(f"/agents/{agent}/edit/conflict/{kept}"))


def _again(
    request: Request,
    looker: Looking,
    agent: str,
    fields: Form,
    body: dict[str, Any],
    refusal: Refusal,
    version: int,
) -> Response:
    """The form with what was typed and why it was refused."""
    house = house_of(request)
    advice = "The checks say where." if isinstance(refusal, LintFailed) else ""
    with house.store.read() as session:
        view = load(
            session,
            looker.viewer,
            house.services,
            agent,
            body=body,
            version=version,
            problem=refusal.detail,
            advice=advice,
            reason=fields.text("reason"),
            name=fields.text("revision-name"),
        )
    if is_partial(request):
        return page.draw(request, "_refused.html", view, status=422)
    return page.draw(request, "page.html", view, status=refusal.status)
