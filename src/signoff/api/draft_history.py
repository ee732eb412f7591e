"""The versions of a draft: going back and forth among them, looking at one, hearing of newer ones."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from signoff.agents import actions, draft_saves
from signoff.agents.draft_saves import DraftHistory, DraftNews, SaveDetail
from signoff.agents.following import follow_draft
from signoff.agents.views import DraftFacts
from signoff.api.answers import answer, plain
from signoff.api.desk import AgentName, AtDesk, Desk
from signoff.api.drafts import IfMatch, SeenVersion, draft_answer, seen_version
from signoff.api.identity import principal_of
from signoff.api.shapes import router as make_router
from signoff.deployments.resetting import LAST, reset_draft_to
from signoff.kit import clock
from signoff.kit.errors import Fault, Refusal

router = make_router("drafts")

# A quiet line is kept open this often, and its caller asked for again; before each event they are asked for as well.
_QUIET_SECONDS = 15.0
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The version; send it as `Last-Event-ID` to go on after it."},
        "event": {"type": "string", "enum": ["draft"]},
        "data": {"type": "string", "description": "A JSON object: version, kind, who and when; not the text."},
    },
    "required": ["id", "event", "data"],
}
_LastId = Annotated[
    int | None,
    Header(alias="Last-Event-ID", ge=0, le=2**31 - 1, description="The last version heard of; newer ones are told."),
]
_Seconds = Annotated[
    int | None, Query(ge=0, le=86_400, description="End about so long after the beginning; left out, stay open.")
]
_Version = Annotated[int, Path(ge=1, le=2**31 - 1, description="A version of the draft.")]
_STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Reset(SeenVersion):
    """To what the draft is reset, and the version that is given up by it (or the header `If-Match`)."""

    revision: Annotated[
        str,
        Field(
            pattern=r"^(last|live|[0-9]{1,9}|rev_[a-z0-9]{1,60})$",
            description="`last`: frozen last. `live`: what serves in production. Or a number or an id.",
        ),
    ] = LAST


@router.post("/v1/{workspace}/agents/{agent}/draft:undo", response_model=DraftFacts)
async def undo_draft(desk: AtDesk, agent: AgentName, body: SeenVersion, if_match: IfMatch = None) -> Response:
    """Bring back the text before the last change, as a new version. If somebody saved since, it is 409."""
    await desk.write(actions.undo_draft, agent, version=seen_version(body.version, if_match))
    return await draft_answer(desk, agent)


@router.post("/v1/{workspace}/agents/{agent}/draft:redo", response_model=DraftFacts)
async def redo_draft(desk: AtDesk, agent: AgentName, body: SeenVersion, if_match: IfMatch = None) -> Response:
    """Bring back what was undone last, as a new version. If somebody saved since, it is 409."""
    await desk.write(actions.redo_draft, agent, version=seen_version(body.version, if_match))
    return await draft_answer(desk, agent)


@router.post("/v1/{workspace}/agents/{agent}/draft:reset", response_model=DraftFacts)
async def reset_draft(desk: AtDesk, agent: AgentName, body: Reset, if_match: IfMatch = None) -> Response:
    """Make the draft equal to a revision. It can be undone. If somebody saved since, it is 409."""
    await desk.write(reset_draft_to, agent, to=body.revision, version=seen_version(body.version, if_match))
    return await draft_answer(desk, agent)


@router.get("/v1/{workspace}/agents/{agent}/draft/versions", response_model=DraftHistory)
async def draft_versions(desk: AtDesk, agent: AgentName) -> Response:
    """The versions of the draft that are kept, newest first, without their texts: at most 200."""
    return answer(await desk.read(draft_saves.draft_history, agent))


@router.get("/v1/{workspace}/agents/{agent}/draft/versions/{version}", response_model=SaveDetail)
async def draft_version(desk: AtDesk, agent: AgentName, version: _Version) -> Response:
    """What the draft was at one version."""
    return answer(await desk.read(draft_saves.saved_version, agent, version))


@router.get(
    "/v1/{workspace}/agents/{agent}/draft/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": _EVENT}}}},
)
async def draft_events(
    request: Request,
    desk: AtDesk,
    workspace: str,
    agent: AgentName,
    last_event_id: _LastId = None,
    seconds: _Seconds = None,
) -> Response:
    """A `draft` event for the present version and for each newer one as it is saved, whoever saves it.

    Of several versions at once the newest is told. The stream stays open, or as long as `seconds` says; a comment line
    is sent when nothing happens.
    """
    await desk.read(draft_saves.draft_news, agent)
    lines = _lines(request, desk, workspace, agent, last_event_id or 0, seconds)
    return StreamingResponse(lines, media_type="text/event-stream", headers=_STREAM)


async def _lines(
    request: Request, desk: Desk, workspace: str, agent: str, after: int, seconds: int | None
) -> AsyncGenerator[bytes]:
    yield b"retry: 1000\n\n"
    began, quiet = clock.monotonic_seconds(), _QUIET_SECONDS if seconds is None else min(seconds, _QUIET_SECONDS)
    try:
        before = await principal_of(desk.house, request.state.credentials, workspace)
        async for news in follow_draft(desk.store, desk.principal, agent, after=after, idle_seconds=quiet):
            if await principal_of(desk.house, request.state.credentials, workspace) != before:
                return  # Another role meanwhile: the client comes back, and is asked as what they are now.
            yield b": still here\n\n" if news is None else _line(news)
            if seconds is not None and clock.monotonic_seconds() - began >= seconds:
                return
    except (Refusal, Fault):
        # The caller lost their right to listen, or the database is away; the client comes back and is told.
        return


def _line(news: DraftNews) -> bytes:
    data = json.dumps(plain(news), ensure_ascii=False)
    return f"id: {news.version}\nevent: draft\ndata: {data}\n\n".encode("utf-8", "replace")
