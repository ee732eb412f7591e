"""The API's own description (OpenAPI 3.1), complete: every operation says how it can go wrong."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from signoff.api.permissions import NEEDS
from signoff.api.problems import MEDIA_TYPE, Problem
from signoff.api.routes import ROUTERS

_PUBLIC = ("health",)
# What each refusal means for whoever calls.
_MEANINGS = {
    400: "The address or the body cannot be read.",
    401: "No key, or one that is not valid.",
    402: "The budget is used up.",
    403: "The key or the member may not do this; `required` and `granted` say what is missing.",
    404: "There is no such thing, or it is another workspace's.",
    409: "Not now: somebody was first, or it has ended.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8.",
    422: "Some of it does not fit; `errors` says which fields.",
    429: "Too many requests; `Retry-After` says when to come back.",
    502: "An outside system failed.",
    503: "Something of ours is away for the moment.",
}
# Reads that tell what an act would do, and say so when it could not be done now.
_MAY_SAY_NOT_NOW = ("/memory-scope/preview", "/rollback-plan")
_DESCRIPTION = """Signoff's API. Authenticate with `Authorization: Bearer so_…` or `x-agent-api-key: so_…`.

Lists are keyset pages: `{items, next_cursor}`. Every error is a problem document (RFC 9457) with a stable `code`.
A POST that starts or creates something takes an `Idempotency-Key`. Every answer to a known caller carries
`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset`."""


def describe(app: FastAPI) -> None:
    """Make the application describe its API, and serve the description at /v1/openapi.json."""

    # The text alone is kept: as objects it is fifteen times as large.
    text = cache(lambda: json.dumps(_document(app), ensure_ascii=False, separators=(",", ":")).encode())

    def openapi() -> dict[str, Any]:
        return json.loads(text())

    app.openapi = openapi

    async def serve(request: Request) -> Response:
        # In a thread, because the first time takes a second.
        return Response(await run_in_threadpool(text), media_type="application/json")

    app.add_route("/v1/openapi.json", serve, include_in_schema=False)
    # Before the routes under a workspace: `openapi.json` is no workspace.
    app.router.routes.insert(0, app.router.routes.pop())


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title="Signoff",
        version=app.version,
        openapi_version="3.1.0",
        description=_DESCRIPTION,
        # Of the API's routers alone: pages are no part of it.
        routes=[route for router in ROUTERS for route in router.routes],
    )
    schemas = found["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    found["components"]["responses"] = {f"Problem{status}": _problem(status) for status in _MEANINGS}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation)
    return found


def _problem(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == 429:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    is_public = operation.get("tags", [None])[0] in _PUBLIC
    statuses = [400, 422, 503] if is_public else [400, 401, 403, 404, 422, 429, 502, 503]
    operation["x-needs"] = NEEDS[operation["operationId"]]
    if path == "/metrics":
        statuses.append(401)
    if method != "get":
        statuses += [409, 413]
    elif path.endswith(_MAY_SAY_NOT_NOW):
        statuses.append(409)
    if "requestBody" in operation:
        statuses.append(415)
    if path.endswith((":execute", ":replay", "/orchestrations/run")):
        statuses.append(402)
    for status in statuses:
        known = operation["responses"].get(str(status))
        # 422 is there already in the framework's own shape, which is not ours.
        if known is None or status == 422:
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
