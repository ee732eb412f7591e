"""Facts as JSON: exact money as text, moments in UTC, lists as pages."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, Field
from starlette.responses import Response

from signoff.kit import money
from signoff.kit.paging import Page

T = TypeVar("T")
Row = TypeVar("Row")


class Listed(BaseModel, Generic[T]):
    """One page of a list, newest first."""

    items: list[T]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the page after this one; null at the end.")


class Done(BaseModel):
    """It is done."""

    ok: bool = True


class Made(BaseModel):
    """The id of what was made."""

    id: str


def plain(value: Any) -> Any:
    """Return facts as plain JSON: every field of a dataclass, money as digits, moments with their zone."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return money.as_text(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        return {str(name): plain(item) for name, item in members.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in cast("frozenset[Any]", value))
    return [plain(item) for item in cast("Iterable[Any]", value)]


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `value` as a JSON answer that no cache keeps."""
    data = json.dumps(plain(value), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return Response(data, status, {"Cache-Control": "no-store", **dict(headers or {})}, "application/json")


def listed(page: Page[Row], shape: Callable[[Row], Any] = plain) -> dict[str, Any]:
    """Return a page as the API gives it."""
    return {"items": [shape(row) for row in page.rows], "next_cursor": page.next_cursor}
