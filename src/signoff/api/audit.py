"""The audit: read it, take it away, check that nothing in it was changed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from signoff.api.answers import Listed, answer, listed
from signoff.api.desk import AtDesk, Cursor, Desk, Size
from signoff.api.house import house_of
from signoff.api.shapes import Moment
from signoff.api.shapes import router as make_router
from signoff.connections.audit_export import Export, begin_export
from signoff.connections.signing import PublicKey, public_keys
from signoff.people import queries
from signoff.people.access import Principal, authorize
from signoff.people.facts import AuditFacts
from signoff.record import audit as chain

router = make_router("audit")
# Before everything under a workspace: "instance" is none.
instance = make_router("audit")

_Word = Annotated[str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9._:-]+$")]


@router.get("/v1/{workspace}/audit", response_model=Listed[AuditFacts])
async def audit(
    desk: AtDesk,
    object_id: _Word = None,
    action: _Word = None,
    since: Annotated[Moment | None, Query()] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """Privileged actions, newest first."""
    page = await desk.read(
        queries.audit_page, object_id=object_id, action=action, since=since, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.get(
    "/v1/{workspace}/audit:export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}}},
)
async def export_audit(desk: AtDesk) -> Response:
    """The whole chain as JSON lines, oldest first, each with its hash; the last line signs the others.

    `signoff audit verify-export FILE` checks it. That it was taken away is its own last row.
    """
    export = await desk.write(begin_export, desk.house.services.vault)
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(_lines(desk, export), media_type="application/jsonl", headers=headers)


async def _lines(desk: Desk, export: Export) -> AsyncGenerator[bytes]:
    while not export.is_over:
        yield export.lines(await desk.read(queries.audit_after, seq=export.seq))
    yield export.last_line()


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys this installation has signed exports with."""

    items: list[PublicKey]


@instance.get("/v1/instance/signing-keys", response_model=SigningKeys)
async def signing_keys(request: Request) -> Response:
    """The public keys with which exports are checked. They are no secret: anybody may ask."""
    return answer(SigningKeys(await house_of(request).store.read_async(public_keys)))


@router.get("/v1/{workspace}/audit:verify", response_model=chain.Verdict)
async def verify_audit(desk: AtDesk) -> Response:
    """Walk the chain: how many rows hold, and the first that does not."""
    return answer(await desk.read(_verify))


def _verify(session: Session, viewer: Principal) -> chain.Verdict:
    authorize(viewer, "audit.read")
    return chain.verify(session, viewer.workspace_id)
