"""GET the page, a step of it, its events; POST its buttons."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from signoff.evaluations.actions import add_run_as_example
from signoff.evaluations.queries import dataset
from signoff.people.access import Principal
from signoff.runs import actions, queries
from signoff.runs.facts import RequestedRun
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, still_looking
from signoff.web.page import Page, is_partial, see_other
from signoff.web.pages.run_detail.query import load, load_head, load_one_step
from signoff.web.pages.run_detail.stream import Change, lines
from signoff.web.pages.run_detail.values import load_value

router = APIRouter()
page = Page(__file__)
_REASON_CHARS = 300
_From = Annotated[int | None, Query(alias="from", ge=0, le=2**31 - 1)]
_LastId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**62)]


@router.get("/runs/{run_id}")
def run_detail(
    request: Request,
    run_id: str,
    looker: Looker,
    tab: str = "timeline",
    step: str | None = None,
    first: _From = None,
    page_number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """The page; for htmx one step of it."""
    with store_of(request).read() as session:
        if step and is_partial(request):
            return page.draw(request, "_step.html", load_one_step(session, looker.viewer, run_id, step, first))
        view = load(
            session, looker.viewer, run_id, tab=tab, step_id=step, messages_from=first, page=page_number
        )  # fmt: skip
    return page.draw(request, "page.html", view)


@router.get("/runs/{run_id}/events")
async def run_events(
    request: Request,
    run_id: str,
    looker: Looker,
    after: Annotated[int, Query(ge=0, le=2**62)] = 0,
    asks: Annotated[int, Query(ge=0, le=1_000)] = 0,
    last_event_id: _LastId = None,
) -> Response:
    """What changes on the page, as it happens."""
    store = store_of(request)
    await store.read_async(queries.run, looker.viewer, run_id)

    def draw(change: Change) -> str:
        return page.text("_change.html", change, looker.chrome)

    stream = lines(
        store,
        looker.viewer,
        run_id,
        after=last_event_id or after,
        asks_drawn=asks,
        draw=draw,
        may_listen=lambda: still_looking(request, looker),
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get("/runs/{run_id}/value")
def run_value(request: Request, run_id: str, looker: Looker, of: str = "output", at: str = "") -> Response:
    """One long text in full."""
    with store_of(request).read() as session:
        view = load_value(session, looker.viewer, run_id, of=of, at=at)
    if is_partial(request):
        return page.draw(request, "_value.html", view)
    return PlainTextResponse(view.text, headers={"Cache-Control": "private, no-store"})


@router.post("/runs/{run_id}/cancel")
def run_cancel(request: Request, run_id: str, looker: Looker, fields: Fields) -> Response:
    """Call it off."""
    reason = fields.text("reason").strip()[:_REASON_CHARS]
    with store_of(request).write() as session:
        state = actions.cancel_run(session, looker.viewer, run_id, reason=reason or None)
    if state == "cancelled":
        flash = Flash("The run is cancelled")
    else:
        flash = Flash("The run is being cancelled", "Its call in flight is being ended.", "wait")
    return see_other(request, looker.chrome.href(f"/runs/{run_id}"), flash)


@router.post("/runs/{run_id}/acknowledge")
def run_acknowledge(request: Request, run_id: str, looker: Looker) -> Response:
    """Say that it was looked at."""
    with store_of(request).write() as session:
        actions.acknowledge_run(session, looker.viewer, run_id)
    flash = Flash("Noted", "This run no longer asks for attention.")
    return see_other(request, looker.chrome.href(f"/runs/{run_id}"), flash)


@router.post("/runs/{run_id}/keep")
def run_keep(request: Request, run_id: str, looker: Looker, fields: Fields) -> Response:
    """Add it to a dataset, as what later revisions are tried on. Twice is once."""
    wanted = fields.text("dataset")
    with store_of(request).write() as session:
        add_run_as_example(
            session, looker.viewer, wanted, run_id, is_critical=fields.is_on("is_critical"), note=fields.text("note")
        )
        found = dataset(session, looker.viewer, wanted)
    number = "1 example" if found.examples == 1 else f"{found.examples} examples"
    flash = Flash(f"It is in {found.name}", f"The dataset has {number}, {found.critical} of them critical.")
    return see_other(request, looker.chrome.href(f"/runs/{run_id}"), flash)


@router.post("/runs/{run_id}/again")
def run_again(request: Request, run_id: str, looker: Looker, fields: Fields) -> Response:
    """The same input once more, on the revision that is live now or on the same one."""
    with store_of(request).write() as session:
        made = _again(session, looker.viewer, run_id, fields)
    return _to_the_new(request, looker.chrome.href(f"/runs/{made.id}"), made, "Running again")


def _again(session: Session, viewer: Principal, run_id: str, fields: Form) -> RequestedRun:
    found = queries.run(session, viewer, run_id)
    run, place = found.run, load_head(session, viewer, found).environment
    return actions.request_run(
        session,
        viewer,
        agent=run.agent_id,
        input=found.input,
        environment=place,
        revision=run.revision_id if fields.text("revision") == "same" else None,
        origin="test" if run.origin == "test" or fields.is_on("test") else "production",
        mode="sandbox" if fields.is_on("sandbox") or run.mode == "sandbox" else "live",
        # Sent twice by an impatient hand, it is one run.
        input_key=fields.text("key")[:100] or None,
        title=run.title,
    )


@router.post("/runs/{run_id}/replay")
def run_replay(request: Request, run_id: str, looker: Looker) -> Response:
    """Again from its recording: tools answer what they answered then, nothing outside is touched."""
    with store_of(request).write() as session:
        run = queries.run(session, looker.viewer, run_id).run
        made = actions.request_run(
            session, looker.viewer, agent=run.agent_id, input=None, source="replay", mode="replay", replay_of=run_id
        )
    return _to_the_new(request, looker.chrome.href(f"/runs/{made.id}"), made, "Replaying")


def _to_the_new(request: Request, to: str, made: RequestedRun, title: str) -> Response:
    if made.state == "rejected":
        return see_other(request, to, Flash("The run was not taken", made.reason or "", "bad"))
    return see_other(request, to, Flash(title, "This page fills in as it happens."))
