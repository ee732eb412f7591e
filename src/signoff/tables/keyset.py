"""One page of a list, by keyset: an index finds where it starts, whatever page it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from signoff.kit.paging import Page, decode_cursor, encode_cursor, page_size


def newest_first(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[str] | InstrumentedAttribute[int],
    *,
    cursor: str | None,
    size: int | None,
) -> Page[Row[*tuple[Any, ...]]]:
    """Return one page of `statement`, the highest `key` first. `key` is unique in the list and not null.

    Each row carries the key once more, as its last column.

    Raises:
        Malformed: the cursor is not one this list gave out.
    """
    limit = page_size(size)
    edge, is_backwards = _read(cursor, key)
    if edge is not None:
        statement = statement.where(key > edge if is_backwards else key < edge)
    order: ColumnElement[Any] = key.asc() if is_backwards else key.desc()
    # The key is read beside what was asked for, and one row more than shown says whether the list goes on.
    found = session.execute(statement.add_columns(key.label("keyset_key")).order_by(order).limit(limit + 1)).all()
    has_more, rows = len(found) > limit, list(found[:limit])
    if is_backwards:
        rows.reverse()
    if not rows:
        return Page(())
    has_newer = has_more if is_backwards else edge is not None
    has_older = edge is not None if is_backwards else has_more
    return Page(
        rows,
        encode_cursor("older", rows[-1].keyset_key) if has_older else None,
        encode_cursor("newer", rows[0].keyset_key) if has_newer else None,
    )


def _read(cursor: str | None, key: InstrumentedAttribute[Any]) -> tuple[Any, bool]:
    if not cursor:
        return None, False
    way, edge = decode_cursor(cursor, 2)
    # A cursor of another list has another kind of key, which Postgres would not compare.
    if way not in ("older", "newer") or not isinstance(edge, key.type.python_type):
        decode_cursor("", 2)
    return edge, way == "newer"
