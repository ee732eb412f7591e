"""Text against text, for people: changed lines in pairs with the changed words marked, or one text with marks in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from markupsafe import Markup, escape

# SequenceMatcher is quadratic in the worst case, so what it may see is bounded.
LINES_MAX = 5_000
MARKED_LINE_MAX = 2_000
WORDS_MAX = 20_000
# Two lines with less than this in common are not a changed line but one gone and one new: marks would be noise.
LIKENESS_MIN = 0.35

Kind = Literal["same", "add", "del", "skip"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the diff with its number in the old and the new text."""

    kind: Kind
    old: int | None
    new: int | None
    html: Markup


@dataclass(frozen=True, slots=True)
class Diff:
    """The lines to show, and how many came and went."""

    lines: tuple[Line, ...]
    added: int
    removed: int
    is_cut: bool = False
    """The texts were longer than 5,000 lines; only their beginnings were compared."""

    @property
    def is_same(self) -> bool:
        return not self.added and not self.removed


def unified(old: str, new: str, context: int = 3) -> Diff:
    """The changed lines with some unchanged ones around them, oldest first, each pair with its changed words marked."""
    all_a, all_b = old.splitlines(), new.splitlines()
    a, b = all_a[:LINES_MAX], all_b[:LINES_MAX]
    lines: list[Line] = []
    for group in SequenceMatcher(None, a, b, autojunk=len(a) + len(b) > LINES_MAX).get_grouped_opcodes(context):
        if lines or group[0][3] > 0:
            lines.append(Line("skip", None, None, Markup("from line {}").format(group[0][3] + 1)))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [Line("same", i1 + k + 1, j1 + k + 1, escape(a[i1 + k])) for k in range(i2 - i1)]
            else:
                lines += _changed(a[i1:i2], b[j1:j2], i1, j1)
    added = sum(line.kind == "add" for line in lines)
    removed = sum(line.kind == "del" for line in lines)
    return Diff(tuple(lines), added, removed, len(all_a) > LINES_MAX or len(all_b) > LINES_MAX)


def words(old: str, new: str) -> Markup:
    """The new text with <ins> and <del> where it differs. Very long texts are shown as one gone and one new."""
    a, b = _words(old), _words(new)
    if len(a) + len(b) > WORDS_MAX:
        return Markup("<del>{}</del><ins>{}</ins>").format(old, new)
    out = Markup()
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=len(a) + len(b) > 4_000).get_opcodes():
        if tag == "equal":
            out += escape("".join(a[i1:i2]))
            continue
        if i2 > i1:
            out += Markup("<del>{}</del>").format("".join(a[i1:i2]))
        if j2 > j1:
            out += Markup("<ins>{}</ins>").format("".join(b[j1:j2]))
    return out


def _changed(gone: list[str], came: list[str], old_from: int, new_from: int) -> list[Line]:
    paired = min(len(gone), len(came))
    marked = [_pair(gone[k], came[k]) for k in range(paired)]
    old = [marked[k][0] if k < paired else escape(text) for k, text in enumerate(gone)]
    new = [marked[k][1] if k < paired else escape(text) for k, text in enumerate(came)]
    return [
        *(Line("del", old_from + k + 1, None, html) for k, html in enumerate(old)),
        *(Line("add", None, new_from + k + 1, html) for k, html in enumerate(new)),
    ]


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)


def _pair(old: str, new: str) -> tuple[Markup, Markup]:
    if len(old) > MARKED_LINE_MAX or len(new) > MARKED_LINE_MAX:
        return escape(old), escape(new)
    a, b = _words(old), _words(new)
    if SequenceMatcher(None, old.split(), new.split(), autojunk=False).ratio() < LIKENESS_MIN:
        return escape(old), escape(new)
    left, right = Markup(), Markup()
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        gone, came = escape("".join(a[i1:i2])), escape("".join(b[j1:j2]))
        left += gone if tag == "equal" else Markup("<del>{}</del>").format(gone) if gone else Markup()
        right += came if tag == "equal" else Markup("<ins>{}</ins>").format(came) if came else Markup()
    return left, right
