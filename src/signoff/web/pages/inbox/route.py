"""GET the list and one request; POST its answer, an edit to look at first, to whom it is given, a view to save."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.approvals import actions, queries
from signoff.kit.errors import Malformed, NotAllowed, NotNow, Refusal
from signoff.kit.json_schemas import problems
from signoff.web.approval_card import card_of, preview_of
from signoff.web.approval_fields import arg_fields, args_from
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.inbox.answering import answer, which_form
from signoff.web.pages.inbox.filters import Asked
from signoff.web.pages.inbox.next import after_answer
from signoff.web.pages.inbox.query import load, load_card, load_rows
from signoff.web.refused import Refused

router = APIRouter()
page = Page(__file__)
_TITLES = {"approved": "Approved", "denied": "Denied", "answered": "Answered", "pending": "Your approval counts"}


@router.get("/inbox")
def inbox(
    request: Request, looker: Looker, cursor: str | None = None, live: str = "", one: str = "", seen: str = ""
) -> Response:
    """The list with its first request. `live` marks the page's own clock, which must not touch the address."""
    asked = Asked.of(request.query_params)
    with store_of(request).read() as session:
        if not is_partial(request):
            return page.draw(request, "page.html", load(session, looker.viewer, asked, cursor=cursor))
        view = load_rows(session, looker.viewer, asked, cursor, one, seen)
    headers = {} if live else {"HX-Replace-Url": looker.chrome.href(asked.address())}
    return page.draw(request, "_live.html", view, headers=headers)


@router.get("/inbox/badge")
async def inbox_badge(request: Request, looker: Looker) -> Response:
    """The number beside the navigation; the shell counted it already."""
    return page.draw(request, "_badge.html", None)


@router.post("/inbox/views")
def inbox_view_save(request: Request, looker: Looker, fields: Fields) -> Response:
    """Keep the filters that are set, under a name."""
    asked = Asked.of_text(fields.text("query"))
    with store_of(request).write() as session:
        actions.save_view(session, looker.viewer, name=fields.text("name"), query=asked.query())
    return see_other(request, looker.chrome.href(asked.address()), Flash("Saved", "It is among your views."))


@router.post("/inbox/views/{view_id}/remove")
def inbox_view_remove(request: Request, view_id: str, looker: Looker) -> Response:
    """Forget a view."""
    with store_of(request).write() as session:
        actions.remove_view(session, looker.viewer, view_id)
    return see_other(request, looker.chrome.href("/inbox"), Flash("Removed"))


@router.get("/inbox/{approval_id}")
def inbox_one(request: Request, approval_id: str, looker: Looker, cursor: str | None = None) -> Response:
    """One request beside the list; for htmx its card alone."""
    asked = Asked.of(request.query_params)
    with store_of(request).read() as session:
        if is_partial(request):
            card = load_card(session, looker.viewer, approval_id, asked.query(cursor=cursor or ""))
            return page.draw(request, "_detail.html", card)
        view = load(session, looker.viewer, asked, cursor=cursor, one=approval_id)
    return page.draw(request, "page.html", view)


@router.post("/inbox/{approval_id}")
def inbox_answer(request: Request, approval_id: str, looker: Looker, fields: Fields) -> Response:
    """Answer it. What was typed is never lost: neither when it does not fit, nor when somebody was first."""
    try:
        with store_of(request).write() as session:
            done = answer(session, looker.viewer, approval_id, fields)
    except (Malformed, NotAllowed, NotNow) as refusal:
        return _refused(request, looker, approval_id, fields, which_form(fields), refusal)
    votes = f"{done.votes} of {done.quorum} have approved." if done.state == "pending" else ""
    goes_on = "The run goes on." if done.is_resumed else ""
    return _done(request, looker, approval_id, fields, Flash(_TITLES.get(done.state, done.state), votes or goes_on))


@router.post("/inbox/{approval_id}/edit")
def inbox_edit(request: Request, approval_id: str, looker: Looker, fields: Fields) -> Response:
    """What an edit would change, checked against the tool's schema. Nothing is decided by it."""
    with store_of(request).read() as session:
        detail = queries.approval(session, looker.viewer, approval_id)
        try:
            if detail.why_not:
                raise NotNow(detail.why_not)
            if not detail.can_edit:
                raise NotAllowed("The arguments of this call cannot be changed.")
            args = args_from(fields, arg_fields(detail.args, detail.input_schema), detail.args)
            if detail.input_schema is not None and (found := problems(args, detail.input_schema)):
                raise Malformed("The arguments do not fit the tool", errors={"args": found})
        except (Malformed, NotAllowed, NotNow) as refusal:
            return _refused(request, looker, approval_id, fields, "edit", refusal)
        typed = Refused("edit", form=fields)
        preview = preview_of(detail.args, args)
        if is_partial(request):
            card = card_of(
                session, looker.viewer, detail, place=_place(fields), back=fields.text("back"), refused=typed,
                preview=preview,
            )  # fmt: skip
            return page.draw(request, "_preview.html", card)
        asked = Asked.of_text(fields.text("back"))
        view = load(session, looker.viewer, asked, one=approval_id, refused=typed, preview=preview)
    return page.draw(request, "page.html", view)


@router.post("/inbox/{approval_id}/give")
def inbox_give(request: Request, approval_id: str, looker: Looker, fields: Fields) -> Response:
    """Have somebody else asked."""
    try:
        if not fields.text("to"):
            raise Malformed("Choose to whom.", errors={"to": ["Choose to whom."]})
        with store_of(request).write() as session:
            actions.delegate(
                session, looker.viewer, approval_id, to_member_id=fields.text("to"), reason=fields.text("reason")
            )
    except (Malformed, NotAllowed, NotNow) as refusal:
        return _refused(request, looker, approval_id, fields, "give", refusal)
    return _done(request, looker, approval_id, fields, Flash("Given on", "They are told."))


@router.post("/inbox/{approval_id}/acknowledge")
def inbox_acknowledge(request: Request, approval_id: str, looker: Looker, fields: Fields) -> Response:
    """Say that one sees to a request that is overdue: its alert is over, and it goes on waiting."""
    try:
        with store_of(request).write() as session:
            actions.acknowledge(session, looker.viewer, approval_id)
    except NotNow as refusal:
        return _refused(request, looker, approval_id, fields, "acknowledge", refusal)
    to = Asked.of_text(fields.text("back")).address(approval_id)
    if _place(fields) == "run":
        with store_of(request).read() as session:
            to = f"/runs/{queries.approval(session, looker.viewer, approval_id).row.run_id}"
    return see_other(request, looker.chrome.href(to), Flash("Acknowledged", "Its alert is over; it goes on waiting."))


def _place(fields: Form) -> str:
    return "run" if fields.text("place") == "run" else "inbox"


def _done(request: Request, looker: Looking, approval_id: str, fields: Form, flash: Flash) -> Response:
    """On: in the inbox to the request that comes next, in a run's page to that page again."""
    with store_of(request).read() as session:
        if _place(fields) == "run":
            run_id = queries.approval(session, looker.viewer, approval_id).row.run_id
            return see_other(request, looker.chrome.href(f"/runs/{run_id}"), flash)
        asked = Asked.of_text(fields.text("back"))
        view, to = after_answer(session, looker, asked, fields.text("back"), approval_id)
    return page.after_post(request, to, flash, "_next.html", view, headers={"HX-Replace-Url": to})


def _refused(
    request: Request, looker: Looking, approval_id: str, fields: Form, which: str, refusal: Refusal
) -> Response:
    """Say why beside the form, with all that was typed. When somebody was first, the card says who and when."""
    refused = Refused(which, refusal.detail, refusal.errors, fields)
    with store_of(request).read() as session:
        detail = queries.approval(session, looker.viewer, approval_id)
        is_late = isinstance(refusal, NotNow)
        back = fields.text("back")
        if is_partial(request) and not is_late:
            return page.draw(request, "_refused.html", refused, status=422)
        card = card_of(
            session, looker.viewer, detail, place=_place(fields), back=back, refused=refused, is_late=is_late
        )
        asked = Asked.of_text(back)
        if is_partial(request):
            rows = load_rows(session, looker.viewer, asked, None)
            return page.draw(request, "_late.html", replace(rows, card=card), status=409)
        view = load(session, looker.viewer, asked, one=approval_id, refused=refused, is_late=is_late)
    return page.draw(request, "page.html", view, status=refusal.status)
