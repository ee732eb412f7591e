"""GET the form, its input, and the messages to choose from; POST starts the run."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.gateways.tool.mailbox import mail_choices
from signoff.kit.errors import Fault, NotAllowed, NotFound, Refusal
from signoff.runs.actions import request_run
from signoff.runs.facts import RequestedRun
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_run.fields import input_from
from signoff.web.pages.agent_run.query import RunNowView, load, refused

router = APIRouter()
page = Page(__file__)


def _asked(request: Request) -> Form:
    return Form({name: tuple(request.query_params.getlist(name)) for name in request.query_params})


@router.get("/agents/{agent}/run")
async def agent_run(request: Request, looker: Looker, agent: str) -> Response:
    """The form. `?messages=1` lists the mailbox with it, for browsers without script."""
    view = await store_of(request).read_async(load, looker.viewer, agent, _asked(request))
    if request.query_params.get("messages"):
        view = await _with_messages(request, looker, view)
    return page.page_or_fragment(request, view, "_form.html")


@router.get("/agents/{agent}/run/messages")
async def messages(request: Request, looker: Looker, agent: str) -> Response:
    """The messages to choose from, read from the mailbox now."""
    view = await store_of(request).read_async(load, looker.viewer, agent, _asked(request))
    return page.page_or_fragment(request, await _with_messages(request, looker, view), "_messages.html")


async def _with_messages(request: Request, looker: Looking, view: RunNowView) -> RunNowView:
    if view.mailbox is None:
        return view
    try:
        found = await mail_choices(house_of(request).services, looker.viewer, view.mailbox.connection_id)
    except (Fault, Refusal) as problem:
        return replace(view, mailbox=replace(view.mailbox, messages=(), problem=problem.detail))
    return replace(view, mailbox=replace(view.mailbox, messages=tuple(found)))


@router.post("/agents/{agent}/run")
def start(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Start it, and go on to its page. Sent twice, it starts once."""
    store = store_of(request)
    with store.read() as session:
        view = load(session, looker.viewer, agent, fields)
    try:
        run = _start(request, looker, agent, fields, view)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        return page.draw(request, "page.html", refused(view, refusal.detail, refusal.errors), status=refusal.status)
    to = looker.chrome.href(f"/runs/{run.id}")
    if run.state == "rejected":
        return see_other(request, to, Flash("The run was rejected", run.reason or "", "bad"))
    return see_other(request, to, None if run.is_new else Flash("This run was started already", tone="note"))


def _start(request: Request, looker: Looking, agent: str, fields: Form, view: RunNowView) -> RequestedRun:
    value = input_from(fields, list(view.fields) if view.fields is not None else None, view.way)
    is_trial = view.mode == "sandbox" or bool(view.revision)
    with store_of(request).write() as session:
        return request_run(
            session,
            looker.viewer,
            agent=agent,
            input=value,
            environment=view.environment,
            revision=view.revision or None,
            origin="test" if is_trial else "production",
            source="manual",
            mode="sandbox" if view.mode == "sandbox" else "live",
            input_key=f"{view.once}:{looker.viewer.id}"[:200],
            title=_subject(fields, view),
        )


def _subject(fields: Form, view: RunNowView) -> str | None:
    """Return the subject of the message that was picked: the run is called by it, as those of the mailbox are."""
    if view.message_field is None:
        return None
    return fields.text(f"subject.{fields.text(f'in.{view.message_field.name}')}") or None
