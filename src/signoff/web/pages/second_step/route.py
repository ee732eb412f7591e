"""GET and POST the code of the second step; GET and POST the setting up of an app, where a workspace asks for one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from signoff.kit.errors import Malformed, NotNow, NotSignedIn, Refusal, TooMuch
from signoff.people.facts import Need, PendingFacts
from signoff.web.coming_in import NOT_KEPT, come_in, hand_over, network_address, user_agent
from signoff.web.flash import Flash, set_flash
from signoff.web.forms import Fields
from signoff.web.house import house_of
from signoff.web.identity import clear_pending_cookie, pending_token
from signoff.web.page import Page
from signoff.web.pages.second_step.query import CodesView, load
from signoff.web.targets import safe_target

router = APIRouter()
page = Page(__file__)


@router.get("/sign-in/code")
def second_step(request: Request, next: str = "") -> Response:  # noqa: A002
    """The form for a code."""
    facts = _facts(request, "code")
    return _draw_code(request, facts, safe_target(next)) if facts else _begin_again(request)


@router.post("/sign-in/code")
def finish(request: Request, fields: Fields) -> Response:
    """Finish the sign-in, or the form again."""
    target = safe_target(fields.text("next"))
    try:
        signed_in = house_of(request).entrance.second_step(
            pending_token(request),
            fields.text("code"),
            address=network_address(request),
            user_agent=user_agent(request),
        )
    except NotSignedIn as refusal:
        return _begin_again(request, refusal.detail)
    except (Malformed, TooMuch) as refusal:
        facts = _facts(request, "code")
        return _draw_code(request, facts, target, refusal) if facts else _begin_again(request, refusal.detail)
    return come_in(request, signed_in, target)


@router.get("/sign-in/set-up")
def set_up(request: Request, next: str = "") -> Response:  # noqa: A002
    """The picture for the app, and the form for its first code."""
    facts = _facts(request, "enrolment")
    return _draw_set_up(request, facts, safe_target(next)) if facts else _begin_again(request)


@router.post("/sign-in/set-up")
def enrol(request: Request, fields: Fields) -> Response:
    """Turn the second factor on, sign in, and show the recovery codes this once."""
    target = safe_target(fields.text("next"))
    try:
        done = house_of(request).entrance.enrol(
            pending_token(request),
            fields.text("code"),
            address=network_address(request),
            user_agent=user_agent(request),
        )
    except NotSignedIn as refusal:
        return _begin_again(request, refusal.detail)
    except (Malformed, NotNow, TooMuch) as refusal:
        facts = _facts(request, "enrolment")
        return _draw_set_up(request, facts, target, refusal) if facts else _begin_again(request, refusal.detail)
    view = CodesView(done.recovery_codes, target or f"/w/{done.signed_in.workspace_slug}", done.ended)
    response = page.draw(request, "codes.html", view, headers=NOT_KEPT)
    hand_over(request, response, done.signed_in)
    return response


def _facts(request: Request, needs: Need) -> PendingFacts | None:
    facts = house_of(request).entrance.pending(pending_token(request))
    return facts if facts and facts.needs == needs else None


def _draw_code(request: Request, facts: PendingFacts, target: str, refusal: Refusal | None = None) -> Response:
    view = load(
        facts,
        target=target,
        problem=refusal.detail if refusal else "",
        errors=refusal.errors if refusal else None,
    )
    return page.draw(request, "page.html", view, status=refusal.status if refusal else 200, headers=_headers(refusal))


def _draw_set_up(request: Request, facts: PendingFacts, target: str, refusal: Refusal | None = None) -> Response:
    secret = house_of(request).entrance.begin_enrolment(pending_token(request))
    view = load(
        facts,
        target=target,
        secret=secret,
        problem=refusal.detail if refusal else "",
        errors=refusal.errors if refusal else None,
    )
    return page.draw(request, "set_up.html", view, status=refusal.status if refusal else 200, headers=_headers(refusal))


def _headers(refusal: Refusal | None) -> dict[str, str]:
    wait = getattr(refusal, "retry_after_seconds", None)
    return {**NOT_KEPT, **({"Retry-After": str(wait)} if wait else {})}


def _begin_again(request: Request, words: str = "") -> Response:
    response = RedirectResponse("/sign-in", status_code=303)
    clear_pending_cookie(response, house_of(request).settings)
    if words:
        set_flash(response, Flash("Sign in again", words, "wait"))
    return response
