"""What a person sees when something cannot be done: the fact, and the next thing to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from signoff.kit.errors import Refusal
from signoff.web.page import is_partial, respond
from signoff.web.templating import environment


@dataclass(frozen=True, slots=True)
class Problem:
    """What ``layout/problem.html`` draws."""

    status: int
    title: str
    detail: str
    code: str = ""
    icon: str = "circle-help"
    action: str = "Go to Home"
    action_href: str = "/"
    reference: str = ""
    """The request id, so that whoever runs this can find it in the log."""


_KINDS: dict[int, tuple[str, str]] = {
    400: ("That request could not be read", "circle-alert"),
    401: ("Please sign in", "log-in"),
    402: ("The budget is used up", "wallet"),
    403: ("You may not do this", "lock"),
    404: ("There is nothing here", "map-pin-off"),
    405: ("That is not possible here", "circle-slash"),
    408: ("That took too long to arrive", "hourglass"),
    409: ("Not now", "git-merge-conflict"),
    413: ("That is too large", "weight"),
    415: ("That is not a form", "circle-alert"),
    422: ("Some of it does not fit", "circle-alert"),
    429: ("Too many at once", "hourglass"),
    500: ("Something broke on our side", "server-crash"),
    503: ("Not ready yet", "server-off"),
}
_PLACE = re.compile(r"/w/[a-z][a-z0-9-]{0,62}/(?:agents/([a-z][a-z0-9-]{0,62})(?:/|$))?")
_DETAIL = {
    404: "The address is wrong, or it belongs to somebody else, or it was removed.",
    500: "The error is recorded. Nothing you did caused it; try once more, and if it comes again, report it.",
}


def problem_page(request: Request, status: int, detail: str = "", code: str = "", title: str = "") -> Response:
    """The answer for a failed request: a whole page, or for htmx a note, which app.js also shows as a message."""
    kind, icon = _KINDS.get(status, _KINDS[500 if status >= 500 else 400])
    title, detail = title or kind, detail or _DETAIL.get(status, "")
    reference = str(getattr(request.state, "request_id", ""))
    is_entry = status == 401
    action, href = ("Sign in", "/sign-in") if is_entry else ("Go to Home", "/")
    if status == 403 and code == "not_allowed" and (asking := _asking(request)):
        action, href = "Ask for access", asking
    view = Problem(status, title, detail, code, icon, action, href, reference)
    template = environment().get_template("layout/_problem.html" if is_partial(request) else "layout/problem.html")
    # Header values are Latin-1; the sentence may hold any letter, so it travels percent-encoded.
    headers = {"X-Message": quote(f"{title}. {detail}"[:600])} if is_partial(request) else {}
    if is_entry and is_partial(request):
        headers["HX-Redirect"] = "/sign-in"
    return respond(request, template, view, status, headers)


def _asking(request: Request) -> str:
    """Return where somebody asks for what they were refused, below the workspace; for the agent of the address."""
    found = _PLACE.match(request.url.path)
    if found is None:
        return ""
    return "/settings/requests" + (f"?agent={found[1]}" if found[1] else "")


def refusal_page(request: Request, refusal: Refusal) -> Response:
    """The product said no: its own words, under a title for its kind."""
    response = problem_page(request, refusal.status, refusal.detail, refusal.code)
    wait = getattr(refusal, "retry_after_seconds", None)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response
