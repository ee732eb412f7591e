"""GET one incident; POST its moves, its severity, its tasks, its runs, its timeline and its postmortem."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.incidents import cases, evidence, moving, tasks
from signoff.incidents.document import postmortem_text
from signoff.incidents.postmortem import write_postmortem
from signoff.kit.errors import Malformed, NotFound
from signoff.people.access import Principal
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.incident_detail.query import load

router = APIRouter()
page = Page(__file__)
_MOVES: dict[str, tuple[Callable[..., None], Flash]] = {
    "acknowledge": (moving.acknowledge_incident, Flash("You see to it", "Your name and the time are kept.")),
    "mitigate": (moving.mitigate_incident, Flash("Mitigated", "It does no more harm; its cause may still be there.")),
    "resolve": (moving.resolve_incident, Flash("Resolved", "A pause stands until somebody resumes the agent.")),
    "review": (moving.review_incident, Flash("Reviewed", "What was learnt is kept.")),
}


@router.get("/incidents/{incident}")
def incident_detail(request: Request, looker: Looker, incident: str, cursor: str | None = None) -> Response:
    """The page."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, incident, cursor=cursor)
    return page.draw(request, "page.html", view)


@router.get("/incidents/{incident}/postmortem.md")
def document(request: Request, looker: Looker, incident: str) -> Response:
    """The postmortem as a file."""
    with store_of(request).read() as session:
        text = postmortem_text(session, looker.viewer, incident)
    headers = {"Content-Disposition": f'attachment; filename="{incident}.md"', "Cache-Control": "no-store"}
    return Response(text.encode("utf-8", "replace"), headers=headers, media_type="text/markdown; charset=utf-8")


@router.post("/incidents/{incident}/move/{move}")
def move(request: Request, looker: Looker, incident: str, move: str, fields: Fields) -> Response:
    """Acknowledge, mitigate, resolve or review it."""
    if move not in _MOVES:
        raise NotFound("There is no such move.")
    action, done = _MOVES[move]

    def change(session: Session) -> None:
        action(session, looker.viewer, incident, words=fields.text("words"))

    return _do(request, looker, incident, change, fields, done)


@router.post("/incidents/{incident}/severity")
def severity(request: Request, looker: Looker, incident: str, fields: Fields) -> Response:
    """Say how bad it really is."""
    wanted: Any = fields.text("severity")

    def change(session: Session) -> None:
        moving.set_severity(session, looker.viewer, incident, severity=wanted, reason=fields.text("reason"))

    return _do(request, looker, incident, change, fields, Flash("The severity is set"))


@router.post("/incidents/{incident}/say")
def say(request: Request, looker: Looker, incident: str, fields: Fields) -> Response:
    """Write a line into the timeline."""

    def change(session: Session) -> None:
        moving.say(session, looker.viewer, incident, words=fields.text("words"))

    return _do(request, looker, incident, change, fields, Flash("It stands in the timeline"))


@router.post("/incidents/{incident}/tasks")
def add(request: Request, looker: Looker, incident: str, fields: Fields) -> Response:
    """Say what follows from it."""

    def change(session: Session) -> None:
        tasks.add_task(
            session, looker.viewer, incident, title=fields.text("title"), owner_id=fields.text("owner") or None,
            due_at=_day(fields.text("due")),
        )  # fmt: skip

    return _do(request, looker, incident, change, fields, Flash("It is to be done"))


@router.post("/incidents/{incident}/tasks/{task}/{what}")
def change_task(request: Request, looker: Looker, incident: str, task: str, what: str, fields: Fields) -> Response:
    """Tick a task, take the tick back, or give it to somebody."""

    def change(session: Session) -> None:
        _of_task(what)(session, looker.viewer, incident, task, fields)

    return _do(request, looker, incident, change, fields, None)


@router.post("/incidents/{incident}/gather")
def gather(request: Request, looker: Looker, incident: str, fields: Fields) -> Response:
    """Attach the runs of its agent that failed around its beginning and since."""
    added: list[int] = []

    def change(session: Session) -> None:
        added.append(evidence.gather_runs(session, looker.viewer, incident))

    answer = _do(request, looker, incident, change, fields, Flash("They are gathered"))
    if added == [0]:
        none = Flash("No further run failed", "From an hour before it began until now.", "note")
        return see_other(request, looker.chrome.href(f"/incidents/{incident}"), none)
    return answer


@router.post("/incidents/{incident}/runs")
def attach(request: Request, looker: Looker, incident: str, fields: Fields) -> Response:
    """Attach one run."""

    def change(session: Session) -> None:
        evidence.add_runs(session, looker.viewer, incident, [fields.text("run").strip()])

    return _do(request, looker, incident, change, fields, Flash("The run is attached"), tells_missing=True)


@router.post("/incidents/{incident}/runs/{run}/drop")
def drop(request: Request, looker: Looker, incident: str, run: str, fields: Fields) -> Response:
    """Take a run away."""

    def change(session: Session) -> None:
        evidence.drop_run(session, looker.viewer, incident, run)

    return _do(request, looker, incident, change, fields, Flash("The run is no evidence any more"))


@router.post("/incidents/{incident}/cases")
def keep_cases(request: Request, looker: Looker, incident: str, fields: Fields) -> Response:
    """Add its failing runs to a dataset."""

    def change(session: Session) -> None:
        dataset, is_critical = fields.text("dataset"), fields.is_on("critical")
        cases.add_cases(session, looker.viewer, incident, dataset, is_critical=is_critical)

    done = Flash("They are cases now", "What is evaluated from now on is tried on them.")
    return _do(request, looker, incident, change, fields, done)


@router.post("/incidents/{incident}/postmortem")
def postmortem(request: Request, looker: Looker, incident: str, fields: Fields) -> Response:
    """Write the people's part of the postmortem."""
    caught: Any = fields.text("caught", "unknown")
    version = fields.text("version")

    def change(session: Session) -> None:
        write_postmortem(
            session, looker.viewer, incident, version=int(version) if version.isdecimal() and len(version) < 9 else 0,
            impact=fields.text("impact"), cause=fields.text("cause"), lessons=fields.text("lessons"), caught=caught,
            caught_by=fields.text("caught_by"),
        )  # fmt: skip

    return _do(request, looker, incident, change, fields, Flash("The postmortem is kept"))


def _of_task(what: str) -> Callable[[Session, Principal, str, str, Form], None]:
    def finish(session: Session, viewer: Principal, incident: str, task: str, fields: Form) -> None:
        tasks.finish_task(session, viewer, incident, task)

    def reopen(session: Session, viewer: Principal, incident: str, task: str, fields: Form) -> None:
        tasks.reopen_task(session, viewer, incident, task)

    def give(session: Session, viewer: Principal, incident: str, task: str, fields: Form) -> None:
        owner, due = fields.text("owner") or None, _day(fields.text("due"))
        tasks.give_task(session, viewer, incident, task, owner_id=owner, due_at=due)

    known = {"done": finish, "reopen": reopen, "give": give}
    if what not in known:
        raise NotFound("There is no such thing to do with a task.")
    return known[what]


def _day(text: str) -> datetime | None:
    """Return the end of a day that a form named; None for none."""
    if not text:
        return None
    try:
        return datetime.combine(datetime.strptime(text, "%Y-%m-%d").date(), time(23, 59), UTC)  # noqa: DTZ007
    except ValueError as error:
        raise Malformed("A day is written as 2026-11-20.", errors={"due": ["not a day"]}) from error


def _do(
    request: Request,
    looker: Looking,
    incident: str,
    change: Callable[[Session], None],
    fields: Form,
    done: Flash | None,
    *,
    tells_missing: bool = False,
) -> Response:
    try:
        refusal = attempt(request, change)
    except NotFound as missing:
        if not tells_missing:
            raise
        refusal = missing
    if refusal is not None:
        with store_of(request).read() as session:
            view = load(session, looker.viewer, incident, form=fields, problem=refusal.detail, errors=refusal.errors)
        return page.draw(request, "page.html", view, status=refusal.status)
    return see_other(request, looker.chrome.href(f"/incidents/{incident}"), done)
