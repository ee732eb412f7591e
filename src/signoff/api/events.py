"""A run's events as they happen (server-sent events), resumable after a broken line."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Header, Request, Response
from fastapi.responses import StreamingResponse

from signoff.api.answers import plain
from signoff.api.desk import AtDesk, Desk, Id
from signoff.api.identity import principal_of
from signoff.api.shapes import router as make_router
from signoff.kit.errors import Fault, Refusal
from signoff.runs import queries
from signoff.runs.following import follow_run
from signoff.runs.views import EventRow

router = make_router("runs")

# How soon a revoked key or an ended session stops hearing, and how often a quiet line is kept open.
_CHECK_SECONDS = 1.0
_PING_EVERY = 10

# What one event looks like, for the description: the line's `data` is JSON of its own.
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "Send it as `Last-Event-ID` to go on after it."},
        "event": {"type": "string", "enum": ["run", "step", "text", "done", "error"]},
        "data": {"type": "string", "description": "A JSON object."},
    },
    "required": ["id", "event", "data"],
}
_LastId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=2**62, description="The last event heard; the stream goes on after it."),
]


@router.get(
    "/v1/{workspace}/runs/{run}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": _EVENT}}}},
)
async def events(request: Request, desk: AtDesk, workspace: str, run: Id, last_event_id: _LastId = None) -> Response:
    """What happens in a run: `run` (its state), `step`, `text` (a piece of an answer), and one `done` or `error`.

    The stream ends after the last event. A comment line is sent when nothing happens.
    """
    await desk.read(queries.run, run)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    lines = _lines(request, desk, workspace, run, last_event_id or 0)
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


async def _lines(request: Request, desk: Desk, workspace: str, run_id: str, after: int) -> AsyncGenerator[bytes]:
    yield b"retry: 1000\n\n"
    quiet = 0
    try:
        before = await principal_of(desk.house, request.state.credentials, workspace)
        async for news in follow_run(desk.store, desk.principal, run_id, after=after, idle_seconds=_CHECK_SECONDS):
            if await principal_of(desk.house, request.state.credentials, workspace) != before:
                return  # Another role meanwhile: the client comes back, and is asked as what they are now.
            for event in news:
                yield _line(event)
            quiet = 0 if news else quiet + 1
            if quiet and quiet % _PING_EVERY == 0:
                yield b": still here\n\n"
    except (Refusal, Fault):
        # The caller lost their right to listen, or the database is away; the client comes back and is told.
        return


def _line(event: EventRow) -> bytes:
    data = json.dumps(plain({**event.data, "at": event.at}), ensure_ascii=False)
    return f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode("utf-8", "replace")
