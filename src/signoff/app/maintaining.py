"""While maintenance stands, whatever would change something is answered before a route is asked."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from signoff.api import problems
from signoff.freezes.lookout import Lookout
from signoff.freezes.maintenance import MaintenanceFacts
from signoff.kit import clock
from signoff.web.problem import problem_page
from signoff.web.security import SAFE_METHODS

# Where a provider leads a browser back to with GET, and where that changes something: a login, a session.
_CHANGING_READS = re.compile(r"/oauth/callback|/sign-in/sso/[^/]+/callback")
# What ends maintenance is not held by it.
_ENDING = re.compile(r"/w/[^/]+/instance/operation/maintenance/end")
# Changes nothing by itself: each call of a tool comes by here once more, as the request that it is.
_ENVELOPE = "/mcp"


class MaintenanceRule:
    """Answers 503 with `Retry-After` to what would change something, while maintenance stands; reads go on."""

    def __init__(self, app: ASGIApp, lookout: Lookout) -> None:
        self.app = app
        self.lookout = lookout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = await self.lookout.standing() if _would_change(scope) else None
        if found is None:
            await self.app(scope, receive, send)
            return
        await _answer(Request(scope), found)(scope, receive, send)


def _would_change(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    if scope["path"] == _ENVELOPE:
        return False
    if scope["method"] in SAFE_METHODS:
        return _CHANGING_READS.fullmatch(scope["path"]) is not None
    return scope["method"] != "POST" or _ENDING.fullmatch(scope["path"]) is None


def _answer(request: Request, found: MaintenanceFacts) -> Response:
    seconds = found.retry_seconds(clock.now())
    if request.url.path.startswith("/v1/"):
        return problems.of_maintenance(request, found.sentence, seconds)
    detail = f"{found.sentence} What you sent was not done; go back and send it again when this is over."
    answer = problem_page(request, 503, detail, "maintenance", "Under maintenance")
    answer.headers["Retry-After"] = str(seconds)
    return answer
