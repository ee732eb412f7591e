"""Two SOPs side by side: changed lines in pairs, their changed words marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from signoff.agents.sequences import Budget, Op, compare

# Two lines with less than this in common are one gone and one come; marks in them would be noise.
_LIKENESS_MIN = 0.35
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of a line; `is_changed` marks the words that differ from the line it is paired with."""

    text: str
    is_changed: bool


@dataclass(frozen=True, slots=True)
class SopLine:
    """One line. `old` and `new` are its numbers, from 1. A `skipped` one stands for `count` equal lines."""

    kind: Literal["same", "removed", "added", "skipped"]
    old: int | None
    new: int | None
    pieces: tuple[Piece, ...]
    count: int = 1

    @property
    def text(self) -> str:
        """Return the whole line."""
        return "".join(piece.text for piece in self.pieces)


def sop_lines(old: str, new: str, *, context: int | None = 3) -> tuple[SopLine, ...]:
    """Return the changed lines with `context` equal ones around them (None: all); nothing when the texts are equal.

    Takes bounded time: what cannot be compared within it is told as removed and added.
    """
    if old == new:
        return ()
    olds, news = old.split("\n"), new.split("\n")
    budget = Budget()
    ops = compare(olds, news, budget)
    lines: list[SopLine] = []
    for number, op in enumerate(ops):
        if op.is_same:
            lines += _equal(olds, op, context, number == 0, number == len(ops) - 1)
        else:
            lines += _changed(olds[op.old_from : op.old_to], news[op.new_from : op.new_to], op, budget)
    return tuple(lines)


def _equal(olds: Sequence[str], op: Op, context: int | None, is_first: bool, is_last: bool) -> list[SopLine]:
    length = op.old_to - op.old_from
    before, after = (length, 0) if context is None else (0 if is_first else context, 0 if is_last else context)
    hidden = length - before - after
    if hidden <= 1:
        return _same(olds, op, range(length))
    gap = SopLine("skipped", op.old_from + before + 1, op.new_from + before + 1, (), hidden)
    return [*_same(olds, op, range(before)), gap, *_same(olds, op, range(length - after, length))]


def _same(olds: Sequence[str], op: Op, places: range) -> list[SopLine]:
    return [
        SopLine("same", op.old_from + k + 1, op.new_from + k + 1, (Piece(olds[op.old_from + k], False),))
        for k in places
    ]


def _changed(gone: Sequence[str], came: Sequence[str], op: Op, budget: Budget) -> list[SopLine]:
    paired = [_marked(one, other, budget) for one, other in zip(gone, came, strict=False)]
    old = [*(left for left, _ in paired), *((Piece(text, True),) for text in gone[len(paired) :])]
    new = [*(right for _, right in paired), *((Piece(text, True),) for text in came[len(paired) :])]
    return [
        *(SopLine("removed", op.old_from + k + 1, None, pieces) for k, pieces in enumerate(old)),
        *(SopLine("added", None, op.new_from + k + 1, pieces) for k, pieces in enumerate(new)),
    ]


def _marked(old: str, new: str, budget: Budget) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    ops = compare(a, b, budget)
    common = sum(len("".join(a[op.old_from : op.old_to])) for op in ops if op.is_same)
    if 2 * common < _LIKENESS_MIN * (len(old) + len(new)):
        return (Piece(old, True),), (Piece(new, True),)
    left = [Piece("".join(a[op.old_from : op.old_to]), not op.is_same) for op in ops]
    right = [Piece("".join(b[op.new_from : op.new_to]), not op.is_same) for op in ops]
    return tuple(piece for piece in left if piece.text), tuple(piece for piece in right if piece.text)
