"""The orchestration form tells errors with the codes its clients know, inside the same problem document."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from signoff.api import problems
from signoff.api.strict_json import StrictRoute
from signoff.kit.errors import Refusal
from signoff.kit.misfits import misfit

_CODES = {403: "AUTHZ_FORBIDDEN", 404: "NOT_FOUND"}


class OrchestrationRoute(StrictRoute):
    """A route whose clients expect 400 VALIDATION_ERROR, and `{ok: false, error}` beside the problem's own members."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with its refusals in that form."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except RequestValidationError as error:
                detail = _words(error)
                return _told(request, 400, "VALIDATION_ERROR", detail, Refusal(detail, errors=_errors(error)))
            except Refusal as refusal:
                status = 400 if refusal.status == 422 else refusal.status
                code = "VALIDATION_ERROR" if status == 400 else _CODES.get(status, refusal.code)
                return _told(request, status, code, refusal.detail, refusal)

        return handle


def _told(request: Request, status: int, code: str, detail: str, refusal: Refusal) -> Response:
    extra = {**refusal.extra, "ok": False, "error": {"code": code, "message": detail}}
    wait = getattr(refusal, "retry_after_seconds", None)
    headers = {"Retry-After": str(wait)} if wait else {}
    return problems.respond(request, status, code, detail, errors=refusal.errors, extra=extra, headers=headers)


def _errors(error: RequestValidationError) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
        found.setdefault(name[:200], []).append(misfit(item)[:500])
    return found


def _words(error: RequestValidationError) -> str:
    return f"These do not fit: {', '.join(list(_errors(error))[:5])}. See `errors`."
