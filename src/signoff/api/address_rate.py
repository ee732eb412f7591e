"""How much one network address may ask for, whoever it says it is, before anything is read from the database."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from signoff.api import problems
from signoff.api.identity import TOOL
from signoff.api.shared_rates import SharedRates
from signoff.kit.networks import counted_as

# The browser files are small, cached for ever, and asked for by the dozen when a page is first opened.
_FREE = ("/static/",)


class AddressRate:
    """Answers 429 to an address that asks too often. Behind a proxy the address is the client's if it is trusted."""

    def __init__(self, app: ASGIApp, rates: SharedRates) -> None:
        self.app = app
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A call of a tool was counted as the request that carried it.
        if scope["type"] != "http" or scope["path"].startswith(_FREE) or TOOL in scope.get("state", {}):
            await self.app(scope, receive, send)
            return
        client = scope.get("client")
        grant = await self.rates.take(counted_as(str(client[0])) if client else "unknown")
        scope.setdefault("state", {})["rate"] = grant
        if grant.is_allowed:
            await self.app(scope, receive, send)
            return
        detail = f"Too many requests from this network address. Try again in {grant.reset_seconds} seconds."
        headers = {"Retry-After": str(grant.reset_seconds)}
        answer = problems.respond(Request(scope), 429, "too_many_requests", detail, headers=headers)
        await answer(scope, receive, send)
