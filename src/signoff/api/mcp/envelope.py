"""`/mcp` before the protocol is spoken: the method, from which page it comes, who calls."""

from __future__ import annotations

import anyio.to_thread
from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from signoff.api import problems
from signoff.api.house import house_of
from signoff.api.identity import known_caller
from signoff.kit.errors import NotAllowed, NotSignedIn

PATH = "/mcp"


def add_mcp(app: FastAPI) -> None:
    """Let the application answer at `/mcp`."""
    # Before the pages, whose addresses take any name for a workspace.
    app.router.routes.insert(0, Route(PATH, Envelope(app), include_in_schema=False))


class Envelope:
    """One POST is one message of the protocol; there are no sessions, so any process answers it."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method != "POST":
            detail = "Messages of MCP are sent here with POST; there is no stream to listen to."
            answer = problems.respond(request, 405, "method_not_allowed", detail, headers={"Allow": "POST"})
            await answer(scope, receive, send)
            return
        _refuse_other_sites(request)
        _refuse_browsers(request)
        principal = await known_caller(request)
        # In a thread and not before: who uses no coding agent needs neither the library's 15 MB nor its half a second.
        answer_message = await anyio.to_thread.run_sync(_load)
        await answer_message(self.app, request, principal, receive, send)


def _load():
    from signoff.api.mcp.server import answer_message  # noqa: PLC0415

    return answer_message


def _refuse_other_sites(request: Request) -> None:
    """The protocol demands it against DNS rebinding. Under which names we answer at all, `TrustedHosts` knows.

    Raises:
        NotAllowed: the message comes from another site's page.
    """
    ours = {f"{request.url.scheme}://{request.headers.get('host', '')}".lower()}
    public_url = house_of(request).settings.public_url
    if public_url:
        ours.add(public_url.rstrip("/").lower())
    if any(origin.lower() not in ours for origin in request.headers.getlist("origin")):
        raise NotAllowed(
            "The message comes from another site's page. Coding agents send none; a tool that runs in a browser cannot "
            "use this.",
            code="cross_site_request",
        )


def _refuse_browsers(request: Request) -> None:
    """A session is a person's, and what a person does by hand is not done through tools.

    Raises:
        NotSignedIn: there is no key.
    """
    if not any(request.headers.get(name) for name in ("authorization", "x-agent-api-key")):
        raise NotSignedIn(
            "Send an API key: `Authorization: Bearer so_…` or `x-agent-api-key: so_…`. "
            "A key is made under Settings, or with `signoff keys create`.",
            code="AGENT_API_KEY_MISSING",
        )
