"""Reading the plain JSON that a card keeps, whatever it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast


def mapping(value: Any) -> dict[str, Any]:
    """Return a JSON object; of anything else, an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a JSON list."""
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("dict[str, Any]", one) for one in items if isinstance(one, dict)]


def texts(value: Any) -> list[str]:
    """Return what a JSON list says, as texts, without what is empty."""
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return [str(one) for one in items if one not in (None, "")]


def moment(text: Any) -> datetime | None:
    """Return the moment that a text says; None when it says none."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
