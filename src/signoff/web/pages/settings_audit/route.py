"""GET the audit, its rows, all of it as a file; POST a check of the chain."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from signoff.people.access import Principal, authorize
from signoff.people.facts import AuditFacts
from signoff.people.queries import audit_after
from signoff.record import audit
from signoff.tables.session import Store
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, is_partial
from signoff.web.pages.settings_audit.query import load

router = APIRouter()
page = Page(__file__)


@router.get("/settings/audit")
def settings_audit(
    request: Request,
    looker: Looker,
    q: str = "",
    area: Annotated[list[str] | None, Query()] = None,
    actor: str = "",
    span: str = "",
    cursor: str | None = None,
) -> Response:
    """The list."""
    with store_of(request).read() as session:
        view = load(session, looker.viewer, q=q, areas=tuple(area or ()), actor=actor, span=span, cursor=cursor)
    if is_partial(request):
        return page.draw(request, "_rows.html", view, headers={"HX-Replace-Url": looker.chrome.href(view.address)})
    return page.draw(request, "page.html", view)


@router.post("/settings/audit/verify")
def verify(request: Request, looker: Looker) -> Response:
    """Walk the whole chain. It changes nothing; it is a POST because it reads every row there is."""
    with store_of(request).read() as session:
        authorize(looker.viewer, "audit.read")
        verdict = audit.verify(session, looker.viewer.workspace_id)
        view = load(session, looker.viewer, verdict=verdict)
    return page.page_or_fragment(request, view, "_verdict.html")


@router.get("/settings/audit/export")
async def export(request: Request, looker: Looker) -> Response:
    """The whole chain as JSON lines, oldest first, each with its hash."""
    store = store_of(request)
    first = await store.read_async(audit_after, looker.viewer, seq=0)
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(_lines(store, looker.viewer, first), media_type="application/jsonl", headers=headers)


async def _lines(store: Store, viewer: Principal, rows: list[AuditFacts]) -> AsyncGenerator[bytes]:
    while rows:
        yield "".join(_line(row) for row in rows).encode("utf-8", "replace")
        rows = await store.read_async(audit_after, viewer, seq=rows[-1].seq)


def _line(row: AuditFacts) -> str:
    return json.dumps({**asdict(row), "at": row.at.isoformat()}, ensure_ascii=False) + "\n"
