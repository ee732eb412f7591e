"""GET the audit, its rows, all of it as a file; POST a check of the chain."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from signoff.connections.audit_export import Export, begin_export
from signoff.people.access import Principal, authorize
from signoff.people.queries import audit_after
from signoff.record import audit
from signoff.tables.session import Store
from signoff.web.house import house_of, store_of
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
    """The whole chain as JSON lines, oldest first, signed by its last line. The audit says who took it."""
    house = house_of(request)
    begun = await house.store.write_async(begin_export, looker.viewer, house.services.vault)
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(_lines(house.store, looker.viewer, begun), media_type="application/jsonl", headers=headers)


async def _lines(store: Store, viewer: Principal, begun: Export) -> AsyncGenerator[bytes]:
    while not begun.is_over:
        yield begun.lines(await store.read_async(audit_after, viewer, seq=begun.seq))
    yield begun.last_line()
