"""GET the overview; POST its dialogs: what it is called and whose it is, disable, enable, the three stops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from signoff.agents.actions import disable_agent, edit_agent, enable_agent, pause_agent, resume_agent
from signoff.agents.queries import agent_by_slug
from signoff.freezes.actions import lift_freeze, order_freeze
from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.runs.actions import stop_agent
from signoff.web.attempt import attempt
from signoff.web.day import start_of_day
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import house_of, store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_overview.query import load

router = APIRouter()
page = Page(__file__)
_HOURS_MAX = 24 * 365
_EMERGENCY = "/emergency"


@router.get("/agents/{agent}")
def agent_overview(request: Request, looker: Looker, agent: str) -> Response:
    """The overview."""
    with store_of(request).read() as session:
        view = load(
            session, looker.viewer, agent, today=start_of_day(request), defaults=house_of(request).services.limits
        )
    return page.draw(request, "page.html", view)


@router.post("/agents/{agent}/details")
def details(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Change what it is called and whose it is."""

    def change(session: Session) -> None:
        edit_agent(
            session,
            looker.viewer,
            agent,
            name=fields.text("name"),
            description=fields.text("description"),
            tags=[tag.strip() for tag in fields.text("tags").split(",") if tag.strip()],
            owner_id=fields.text("owner") or None,
            backup_id=fields.text("backup") or None,
        )

    return _do(request, looker, agent, change, Flash("Saved"), fields, keeps=True)


@router.post("/agents/{agent}/disable")
def disable(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Take no new runs."""

    def change(session: Session) -> None:
        disable_agent(session, looker.viewer, agent, reason=fields.text("reason"))

    done = Flash("The agent is disabled", "New runs are rejected; those under way finish.", "wait")
    return _do(request, looker, agent, change, done, fields)


@router.post("/agents/{agent}/enable")
def enable(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Take runs again."""

    def change(session: Session) -> None:
        enable_agent(session, looker.viewer, agent, reason=fields.text("reason"))

    return _do(request, looker, agent, change, Flash("The agent is enabled", "It takes runs again."), fields)


@router.post("/agents/{agent}/pause")
def pause(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Start nothing new, for some hours or until somebody resumes it."""

    def change(session: Session) -> None:
        pause_agent(session, looker.viewer, agent, reason=fields.text("reason"), until=_until(fields))

    done = Flash("The agent is paused", "Nothing new starts; what runs goes on.", "wait")
    return _do(request, looker, agent, change, done, fields)


def _until(fields: Form) -> datetime | None:
    text = fields.text("hours").strip().replace(",", ".")
    if not text:
        return None
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= _HOURS_MAX:
        sentence = f"Write how many hours, more than 0 and at most {_HOURS_MAX:,}."
        raise Malformed(sentence, errors={"hours": [sentence]})
    return clock.now() + timedelta(hours=hours)


@router.post("/agents/{agent}/resume")
def resume(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """End the pause."""

    def change(session: Session) -> None:
        resume_agent(session, looker.viewer, agent)

    return _do(request, looker, agent, change, Flash("The agent is resumed", "What was queued starts now."), fields)


@router.post("/agents/{agent}/freeze-writes")
def freeze_writes(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Let no write of the agent leave."""

    def change(session: Session) -> None:
        found = agent_by_slug(session, looker.viewer, agent)
        order_freeze(session, looker.viewer, scope="agent", target_id=found.id, reason=fields.text("reason"))

    done = Flash("Its writes are frozen", "It holds from the next tool call on. Reading goes on.", "wait")
    return _do(request, looker, agent, change, done, fields)


@router.post("/agents/{agent}/lift")
def lift(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Let it write again."""

    def change(session: Session) -> None:
        lift_freeze(session, looker.viewer, fields.text("freeze"))

    return _do(request, looker, agent, change, Flash("The freeze is lifted"), fields)


@router.post("/agents/{agent}/stop")
def stop(request: Request, looker: Looker, agent: str, fields: Fields) -> Response:
    """Cancel everything of the agent that is running, waiting and queued."""

    ordered: list[str] = []

    def change(session: Session) -> None:
        with_pause = fields.text("with_pause") == "yes"
        ordered.append(stop_agent(session, looker.viewer, agent, reason=fields.text("reason"), with_pause=with_pause))

    done = Flash("It is being stopped", "This page says how far it is.", "wait")
    return _do(request, looker, agent, change, done, fields, to=lambda: f"/stops/{ordered[-1]}")


def _do(
    request: Request,
    looker: Looking,
    agent: str,
    change: Callable[[Session], None],
    done: Flash,
    fields: Form,
    *,
    keeps: bool = False,
    to: Callable[[], str] | None = None,
) -> Response:
    """One action; what it refuses is said on the overview, where `keeps` with what was typed. `to`: where it leads."""
    store = store_of(request)
    if refusal := attempt(request, change):
        with store.read() as session:
            view = load(
                session, looker.viewer, agent, today=start_of_day(request), defaults=house_of(request).services.limits,
                form=fields if keeps else None, problem=refusal.detail, errors=refusal.errors,
            )  # fmt: skip
        return page.draw(request, "page.html", view, status=refusal.status)
    # The stops stand on the emergency page too.
    back = _EMERGENCY if fields.text("back") == _EMERGENCY else ""
    return see_other(request, looker.chrome.href(to() if to else f"/agents/{agent}{back}"), done)
