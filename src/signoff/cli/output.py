"""What commands print: JSON for programs, columns for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from signoff.kit.text import on_terminal

_WIDTH_MAX = 60


def show(value: Any, *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Print rows or one thing. For people: `columns` of each row, or every field of the one thing."""
    if as_json:
        print(json_text(value, indent=2))
    elif isinstance(value, list):
        _table(cast("list[Any]", value), columns)
    elif isinstance(value, dict):
        _fields(cast("dict[str, Any]", value))
    else:
        print(value)


def line(value: Any) -> None:
    """Print one thing as one line of JSON; for streams."""
    print(json_text(value), flush=True)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as JSON that reads the same; a sign that a terminal would obey is written as an escape."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def cell(value: Any) -> str:
    """Return a value as one line of plain text: control characters must not reach the terminal."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return on_terminal(text)


def _table(rows: list[Any], columns: Sequence[str]) -> None:
    if not rows:
        print("(none)")
        return
    cells = [[cell(row.get(column))[:_WIDTH_MAX] for column in columns] for row in rows]
    widths = [max(len(column), *(len(row[at]) for row in cells)) for at, column in enumerate(columns)]
    for row in [[column.upper() for column in columns], *cells]:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _fields(found: dict[str, Any]) -> None:
    width = max((len(name) for name in found), default=0)
    for name, value in found.items():
        print(f"{name.ljust(width)}  {cell(value)}")
