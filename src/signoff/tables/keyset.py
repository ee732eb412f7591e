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
    return _page(session, statement, key, cursor=cursor, size=size, onward="older")


def oldest_first(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[str] | InstrumentedAttribute[int],
    *,
    cursor: str | None,
    size: int | None,
) -> Page[Row[*tuple[Any, ...]]]:
    """Return one page of `statement`, the lowest `key` first; else as `newest_first`."""
    return _page(session, statement, key, cursor=cursor, size=size, onward="newer")


def _page(
    session: Session,
    statement: Select[*tuple[Any, ...]],
    key: InstrumentedAttribute[Any],
    *,
    cursor: str | None,
    size: int | None,
    onward: str,
) -> Page[Row[*tuple[Any, ...]]]:
    limit = page_size(size)
    back = "newer" if onward == "older" else "older"
    edge, way = _read(cursor, key, onward)
    if edge is not None:
        statement = statement.where(key > edge if way == "newer" else key < edge)
    order: ColumnElement[Any] = key.asc() if way == "newer" else key.desc()
    # The key is read beside what was asked for, and one row more than shown says whether the list goes on.
    found = session.execute(statement.add_columns(key.label("keyset_key")).order_by(order).limit(limit + 1)).all()
    has_more, rows = len(found) > limit, list(found[:limit])
    is_backwards = way == back
    if is_backwards:
        rows.reverse()
    if not rows:
        return Page(())
    has_before = has_more if is_backwards else edge is not None
    has_after = edge is not None if is_backwards else has_more
    return Page(
        rows,
        encode_cursor(onward, rows[-1].keyset_key) if has_after else None,
        encode_cursor(back, rows[0].keyset_key) if has_before else None,
    )


def _read(cursor: str | None, key: InstrumentedAttribute[Any], onward: str) -> tuple[Any, str]:
    if not cursor:
        return None, onward
    way, edge = decode_cursor(cursor, 2)
    # A cursor of another list has another kind of key, which Postgres would not compare.
    if way not in ("older", "newer") or not isinstance(edge, key.type.python_type):
        decode_cursor("", 2)
    return edge, str(way)
