"""JSON as nested <details>: folds with no script, can be selected, and the browser's own search finds things in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast
from urllib.parse import quote

from markupsafe import Markup

OPEN_DEPTH = 3
DEPTH_MAX = 24
STRING_MAX = 2_000
ITEMS_MAX = 200
NODES_MAX = 5_000


def json_html(value: object, more_url: str = "", open_depth: int = OPEN_DEPTH) -> Markup:
    """Pretty JSON. Long strings, lists and deep or huge values are cut, and it says what was left out.

    With ``more_url`` a cut string gets a "Show all" link to ``more_url?at=<JSON pointer>``, whose answer replaces it.
    """
    return _Drawer(more_url, open_depth).draw(value, 0, "")


class _Drawer:
    """Counts what it has drawn, so that one answer of 10 MB is not a page of 40 MB."""

    def __init__(self, more_url: str, open_depth: int) -> None:
        self.more_url = more_url
        self.open_depth = open_depth
        self.left = NODES_MAX

    def draw(self, value: object, depth: int, at: str) -> Markup:
        self.left -= 1
        is_deep = depth >= DEPTH_MAX and isinstance(value, (Mapping, list, tuple))
        if self.left < 0 or is_deep:
            return Markup('<span class="j-size">… not shown</span>')
        if isinstance(value, Mapping) and value:
            return self._mapping(cast(Mapping[object, object], value), depth, at)
        if isinstance(value, (list, tuple)) and value:
            return self._list(cast(Sequence[object], value), depth, at)
        return self._leaf(cast(object, value), at)

    def _mapping(self, value: Mapping[object, object], depth: int, at: str) -> Markup:
        rows: list[Markup] = []
        for key, inner in list(value.items())[:ITEMS_MAX]:
            pointer = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
            name = json.dumps(str(key)[:STRING_MAX], ensure_ascii=False)
            drawn = self.draw(inner, depth + 1, pointer)
            rows.append(Markup('<span class="j-key">{}</span><span class="j-p">: </span>{}').format(name, drawn))
        return self._fold("{}", "key", len(value), rows, depth)

    def _list(self, value: Sequence[object], depth: int, at: str) -> Markup:
        rows = [self.draw(inner, depth + 1, f"{at}/{i}") for i, inner in enumerate(value[:ITEMS_MAX])]
        return self._fold("[]", "item", len(value), rows, depth)

    def _leaf(self, value: object, at: str) -> Markup:
        if isinstance(value, str):
            return self._string(value, at)
        if isinstance(value, Decimal):
            return self._string(str(value), at)
        if isinstance(value, (Mapping, list, tuple)):
            return Markup('<span class="j-p">{}</span>').format("{}" if isinstance(value, Mapping) else "[]")
        if value is None or isinstance(value, bool):
            return Markup('<span class="j-b">{}</span>').format(json.dumps(value))
        if isinstance(value, (int, float)):
            return Markup('<span class="j-n">{}</span>').format(str(value) if isinstance(value, int) else repr(value))
        return self._string(str(value), at)

    def _string(self, value: str, at: str) -> Markup:
        text = json.dumps(value[:STRING_MAX], ensure_ascii=False)
        if len(value) <= STRING_MAX:
            return Markup('<span class="j-s">{}</span>').format(text)
        rest = f"… {len(value) - STRING_MAX:,} more characters"
        if not self.more_url:
            return Markup('<span class="j-s">{}</span><span class="j-size">{}</span>').format(text, rest)
        joint = "&" if "?" in self.more_url else "?"
        url = f"{self.more_url}{joint}at={quote(at, safe='')}"
        return Markup(
            '<span class="j-s">{}<span class="j-size">{}</span> '
            '<a class="link" href="{}" hx-get="{}" hx-target="closest .j-s" hx-swap="outerHTML">Show all</a></span>'
        ).format(text, rest, url, url)

    def _fold(self, marks: str, noun: str, total: int, rows: list[Markup], depth: int) -> Markup:
        comma = Markup('<span class="j-p">,</span>')
        items = [Markup("<li>{}{}</li>").format(row, comma if i < total - 1 else "") for i, row in enumerate(rows)]
        if total > len(rows):
            items.append(Markup('<li class="j-size">… {:,} more</li>').format(total - len(rows)))
        size = f"{total:,} {noun}{'' if total == 1 else 's'}"
        return Markup(
            '<details class="j"{}><summary><span class="j-p">{}</span><span class="j-size">{}</span>'
            '<span class="j-p j-close">{}</span></summary><ul role="list">{}</ul><span class="j-p">{}</span></details>'
        ).format(
            Markup(" open") if depth < self.open_depth else "", marks[0], size, marks[1], Markup().join(items), marks[1]
        )
