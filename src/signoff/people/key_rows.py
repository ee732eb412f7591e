"""The rows behind an API key, read together: they are asked for with every request of a program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from sqlalchemy import Label, Table, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from signoff.tables.base import Base
from signoff.tables.people import ApiKey, Member, Person, ServiceAccount, Workspace
from signoff.tables.prepared import Prepared

R = TypeVar("R", bound=Base)

_KINDS: tuple[type[Base], ...] = (ApiKey, Member, Person, ServiceAccount, Workspace)


def _columns(kind: type[Base]) -> Iterable[Label[Any]]:
    table = cast("Table", kind.__table__)
    return (column.label(f"{table.name}_{column.key}") for column in table.c)


# Built once. Both prefixes are asked for, so that a key that was just rotated is found as well.
_BY_PREFIX = Prepared(
    select(*(column for kind in _KINDS for column in _columns(kind)))
    .select_from(ApiKey)
    .join(Workspace, Workspace.id == ApiKey.workspace_id)
    .outerjoin(
        Member,
        and_(ApiKey.owner_kind == "member", Member.id == ApiKey.owner_id, Member.workspace_id == ApiKey.workspace_id),
    )
    .outerjoin(Person, Person.id == Member.person_id)
    .outerjoin(
        ServiceAccount,
        and_(
            ApiKey.owner_kind == "service_account",
            ServiceAccount.id == ApiKey.owner_id,
            ServiceAccount.workspace_id == ApiKey.workspace_id,
        ),
    )
    .where(or_(ApiKey.prefix == bindparam("of_prefix"), ApiKey.old_prefix == bindparam("of_prefix")))
    .limit(1)
)
_NAMES: dict[type[Base], list[str]] = {
    kind: [column.key for column in cast("Table", kind.__table__).c] for kind in _KINDS
}


def rows_of_prefix(
    session: Session, prefix: str
) -> tuple[ApiKey, Workspace, Member | None, Person | None, ServiceAccount | None] | None:
    """Return the key a prefix names, its workspace, and whose it is; None when there is none.

    They are for reading: no session knows them, so nothing that is changed in them is kept.
    """
    found = _BY_PREFIX.first(session, {"of_prefix": prefix})
    if found is None:
        return None
    values: list[Any] = list(found)
    key, member = _taken(ApiKey, values), _taken(Member, values)
    person, account = _taken(Person, values), _taken(ServiceAccount, values)
    workspace = _taken(Workspace, values)
    if key is None or workspace is None:  # Neither can be: both are joined by what is never null.
        return None
    return key, workspace, member, person, account


def _taken(kind: type[R], values: list[Any]) -> R | None:
    """Take the first columns off `values`, as one row of `kind`; None where the join found none."""
    names = _NAMES[kind]
    mine = values[: len(names)]
    del values[: len(names)]
    return kind(**dict(zip(names, mine, strict=True))) if mine[0] is not None else None
