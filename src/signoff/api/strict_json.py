"""JSON bodies are read strictly: one meaning only, bounded, and storable in every database."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from signoff.kit.errors import Refusal
from signoff.kit.strict_json import NotReadable, loads

__all__ = ["UNREADABLE", "NotJson", "NotReadable", "StrictRequest", "StrictRoute", "loads"]


class NotJson(Refusal):
    """The body says it is something else than JSON in UTF-8."""

    status = 415


# Stands for a body that could not be read, until the caller is known: a stranger hears 401 first. The reason waits in
# the request's state, and `identity.caller` raises it. A text, because no shape of ours accepts one.
UNREADABLE = "unreadable"


class StrictRequest(Request):
    """A request whose JSON is read by the rules above."""

    async def json(self) -> Any:
        """Return the body's value, or the mark for one that cannot be read."""
        try:
            if self.headers.get("content-encoding", "identity").lower() != "identity":
                raise NotJson("Send the body uncompressed.", code="not_json")
            if "charset" in self.headers.get("content-type", "").lower() and not self._is_utf8():
                raise NotJson("Send JSON in UTF-8.", code="not_json")
            return loads(await self.body())
        except Refusal as refusal:
            self.state.unreadable = refusal
            return UNREADABLE

    def _is_utf8(self) -> bool:
        return "utf-8" in self.headers["content-type"].lower().split("charset", 1)[1]


class StrictRoute(APIRoute):
    """A route that reads its body strictly and takes nothing but JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, on a strict request."""
        inner = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handle(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            if takes_body and not _says_json(strict) and await strict.body():
                strict.state.unreadable = NotJson(
                    "This takes JSON: send `Content-Type: application/json`.", code="not_json"
                )
            return await inner(strict)

        return handle


def _says_json(request: Request) -> bool:
    kinds = request.headers.getlist("content-type")
    kind = kinds[0].split(";", 1)[0].strip().lower() if len(kinds) == 1 else ""
    return kind == "application/json"
