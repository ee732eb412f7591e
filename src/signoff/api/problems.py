"""Every error the API gives is one document (RFC 9457), with a stable `code` and the next thing to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from signoff.kit.errors import Fault, Refusal, TooMuch
from signoff.kit.misfits import misfit

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_TITLES = {
    402: "The budget is used up",
    404: "Not found",
    409: "Not now",
    408: "Too slow",
    413: "Too large",
    415: "Not JSON",
    422: "Some of it does not fit",
    429: "Too many requests",
    431: "Too large a head",
}


class Problem(BaseModel):
    """An error, as the API tells it. Further members depend on the code."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="A name for the kind of problem: `urn:signoff:problem:` and the code.")
    title: str
    status: int
    detail: str = Field(description="The fact and the next thing to do, for a person.")
    instance: str = Field(description="This occurrence: `urn:signoff:request:` and the request's id, as in the log.")
    code: str = Field(description="Stable; programs decide by it.")
    errors: dict[str, list[str]] = Field(default_factory=dict[str, list[str]], description="Field → what is wrong.")


def respond(
    request: Request,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document."""
    title = _TITLES.get(status) or HTTPStatus(status).phrase
    body = {
        **dict(extra or {}),
        "type": f"urn:signoff:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:signoff:request:{getattr(request.state, 'request_id', 'unknown')}",
        "code": code,
        "errors": {field: list(sentences) for field, sentences in (errors or {}).items()},
    }
    data = json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")
    return Response(data, status, {"Cache-Control": "no-store", **dict(headers or {})}, MEDIA_TYPE)


def of_refusal(request: Request, error: Refusal) -> Response:
    """Return what the product's "no" looks like."""
    headers: dict[str, str] = {}
    if isinstance(error, TooMuch) and error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="signoff"'
    return respond(
        request, error.status, error.code, error.detail, errors=error.errors, extra=error.extra, headers=headers
    )


def of_fault(request: Request, error: Fault) -> Response:
    """Return what a broken part looks like: 502 for an outside system, 503 when trying again may help."""
    log.error("fault: %s", error.code, extra={"code": error.code})
    status = 503 if error.is_transient else 502
    return respond(request, status, error.code, error.detail)


def of_validation(request: Request, error: RequestValidationError) -> Response:
    """Return every field that does not fit, at once."""
    errors: dict[str, list[str]] = {}
    for found in error.errors():
        place = [str(part) for part in found["loc"]]
        name = ".".join(place[1:] if len(place) > 1 and place[0] in ("body", "query", "path") else place)
        errors.setdefault(name[:200], []).append(misfit(found)[:500])
    names = ", ".join(list(errors)[:5])
    return respond(request, 422, "invalid_request", f"These do not fit: {names}. See `errors`.", errors=errors)


def of_http(request: Request, error: HTTPException) -> Response:
    """Return what the framework refuses before a route is asked: an unknown address, a wrong method."""
    details = {
        404: "There is no such address in this API. The list is at /v1/openapi.json.",
        405: "This address does not take that method. The list is at /v1/openapi.json.",
    }
    codes = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
    code = codes.get(error.status_code, "bad_request")
    detail = details.get(error.status_code, str(error.detail))
    return respond(request, error.status_code, code, detail, headers=error.headers)


def of_maintenance(request: Request, sentence: str, retry_seconds: int) -> Response:
    """Return what a change is answered while the installation is under maintenance."""
    detail = f"{sentence} Try again in {retry_seconds} seconds."
    extra: dict[str, Any] = {}
    if request.url.path.startswith("/v1/orchestrations/"):  # That form tells its errors in a member of its own too.
        extra = {"ok": False, "error": {"code": "maintenance", "message": detail}}
    return respond(request, 503, "maintenance", detail, extra=extra, headers={"Retry-After": str(retry_seconds)})


def of_crash(request: Request) -> Response:
    """Return what a bug looks like from outside: nothing of the inside."""
    detail = "Something broke on our side. It is recorded under this request's id; trying again may help."
    return respond(request, 500, "internal_error", detail)
