"""`Idempotency-Key`: the same request sent twice is done once and answered alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, cast

from fastapi import Depends, Header
from sqlalchemy import Table, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.requests import Request

from signoff.api.answers import plain
from signoff.api.house import house_of
from signoff.kit import clock
from signoff.kit.canonical import content_hash
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.tables.prepared import Prepared
from signoff.tables.record import AnsweredRequest
from signoff.tables.session import Store

P = ParamSpec("P")
T = TypeVar("T")

KEPT = timedelta(hours=24)
_FIELD = Header(
    alias="Idempotency-Key",
    min_length=1,
    max_length=200,
    pattern=r"^[\x21-\x7e]+$",
    description="Any text of your own, up to 200 visible characters. The same key with the same body is done once and "
    "answered alike for 24 hours; with another body it is 409.",
)

_ANSWERS = cast("Table", AnsweredRequest.__table__)
_NAMED = (
    _ANSWERS.c.workspace_id == bindparam("of_workspace"),
    _ANSWERS.c.key == bindparam("of_key"),
    _ANSWERS.c.route == bindparam("of_route"),
)
# Built once: they are asked with every request that starts a run.
_FIND = Prepared(select(_ANSWERS.c.request_hash, _ANSWERS.c.body, _ANSWERS.c.created_at).where(*_NAMED))
_KEEP = Prepared(insert(_ANSWERS))
_FORGET = Prepared(delete(_ANSWERS).where(*_NAMED))


class KeyReused(NotNow):
    """The `Idempotency-Key` was used for another request."""


class Once:
    """Does the work of one request at most once."""

    def __init__(self, request: Request, key: str | None) -> None:
        self._request = request
        self._key = key

    async def do(
        self,
        principal: Principal,
        name: str,
        asked: Any,
        work: Callable[[Session], Any],
        *,
        kept: Callable[[Any], Any] = plain,
    ) -> Any:
        """Return what `work(session)` answers, or what it answered the first time.

        The answer is kept in the transaction of the work, so a crash keeps both or neither.

        Args:
            name: the operation, so that one key can serve two of them.
            asked: everything the answer depends on, as plain JSON.
            kept: what is stored of the answer; for answers that hold something shown once.

        Raises:
            KeyReused: the key was used with another body.
        """
        store = house_of(self._request).store
        if self._key is None:
            return plain(await write_again(store, work))
        row = _Row(principal, name, self._key, content_hash(asked))
        return await write_again(store, _do, row, work, kept)


async def write_again(store: Store, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in one transaction, and once more when another request took the same name a moment before.

    `work` looks before it writes; the second time it sees what the other one made, and says so.
    """
    try:
        return await store.write_async(work, *args, **kwargs)
    except IntegrityError:
        return await store.write_async(work, *args, **kwargs)


class _Row:
    def __init__(self, principal: Principal, name: str, key: str, request_hash: str) -> None:
        self.workspace_id = principal.workspace_id
        self.route = name
        # One caller's key says nothing about another's.
        self.key = hashlib.sha256(f"{principal.key_id or principal.id}\x1f{key}".encode()).hexdigest()
        self.request_hash = request_hash


def _do(session: Session, row: _Row, work: Callable[[Session], Any], kept: Callable[[Any], Any]) -> Any:
    named = {"of_workspace": row.workspace_id, "of_key": row.key, "of_route": row.route}
    found = _FIND.first(session, named)
    if found is not None and found.created_at > clock.now() - KEPT:
        if found.request_hash != row.request_hash:
            raise KeyReused(
                "This Idempotency-Key was used for a request with another body. Use a new key for a new request."
            )
        return found.body["answer"]
    if found is not None:
        _FORGET.run(session, named)
    answer = plain(work(session))
    _KEEP.run(
        session,
        {
            "workspace_id": row.workspace_id,
            "key": row.key,
            "route": row.route,
            "request_hash": row.request_hash,
            "status": 200,
            "body": {"answer": kept(answer)},
            "created_at": clock.now(),
        },
    )
    return answer


def sweep_answers(session: Session, *, before: datetime) -> int:
    """Delete answers kept since before `before`; return how many."""
    gone = session.execute(delete(AnsweredRequest).where(AnsweredRequest.created_at < before))
    return int(getattr(gone, "rowcount", 0))


async def once(request: Request, idempotency_key: Annotated[str | None, _FIELD] = None) -> Once:
    """Return what makes this request happen at most once."""
    return Once(request, idempotency_key)


AtMostOnce = Annotated[Once, Depends(once)]
