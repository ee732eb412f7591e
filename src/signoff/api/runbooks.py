"""The runbook of an agent: what somebody needs who must help it at night."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Response

from signoff.api.answers import answer
from signoff.api.desk import AgentName, AtDesk
from signoff.api.shapes import router as make_router
from signoff.watch import runbook as books
from signoff.watch.runbook import Runbook

router = make_router("agents")

Form = Annotated[Literal["json", "markdown"], Query(description="`markdown`: a document to print or to keep.")]


@router.get(
    "/v1/{workspace}/agents/{agent}/runbook",
    response_model=Runbook,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
async def runbook(desk: AtDesk, agent: AgentName, form: Form = "json") -> Response:
    """The runbook of an agent, read from what is so now."""
    found = await desk.read(books.runbook, agent)
    if form == "markdown":
        return Response(found.markdown(), media_type="text/markdown; charset=utf-8")
    return answer(found)
