"""What two sequences have in common, found in bounded time whatever they hold.

First what occurs once in both (as patience diff does), which reads best for texts; then Myers' shortest edit
between those anchors, for as long as the budget lasts. What remains is told as gone and come.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# Steps of pure Python: about a second on a slow machine, for two texts that have nothing in common.
STEPS_MAX = 800_000
_EDITS_MAX = 300
_DEPTH_MAX = 12


class Op(NamedTuple):
    """`old[old_from:old_to]` became `new[new_from:new_to]`; `is_same` says they are equal."""

    is_same: bool
    old_from: int
    old_to: int
    new_from: int
    new_to: int


@dataclass(slots=True)
class Budget:
    """How many steps comparing may still take; shared by all comparisons of one answer."""

    steps: int = STEPS_MAX


class _Range(NamedTuple):
    old_from: int
    old_to: int
    new_from: int
    new_to: int
    depth: int


def compare(old: Sequence[str], new: Sequence[str], budget: Budget | None = None) -> list[Op]:
    """Return the operations that turn `old` into `new`, in order, equal and unequal stretches in turn."""
    blocks = sorted(_equal_blocks(old, new, budget or Budget()))
    ops: list[Op] = []
    i = j = 0
    for start_old, start_new, length in [*blocks, (len(old), len(new), 0)]:
        if i < start_old or j < start_new:
            ops.append(Op(False, i, start_old, j, start_new))
        i, j = start_old + length, start_new + length
        if not length:
            continue
        if ops and ops[-1].is_same:
            ops[-1] = Op(True, ops[-1].old_from, i, ops[-1].new_from, j)
        else:
            ops.append(Op(True, start_old, i, start_new, j))
    return ops


def _equal_blocks(old: Sequence[str], new: Sequence[str], budget: Budget) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    open_ranges = [_Range(0, len(old), 0, len(new), 0)]
    while open_ranges:
        part = _without_ends(old, new, open_ranges.pop(), found)
        if part.old_from == part.old_to or part.new_from == part.new_to:
            continue
        budget.steps -= part.old_to - part.old_from + part.new_to - part.new_from
        if budget.steps <= 0:
            continue
        anchors = _anchors(old, new, part) if part.depth < _DEPTH_MAX else []
        if not anchors:
            found += _shortest_edit(old, new, part, budget)
            continue
        i, j = part.old_from, part.new_from
        for at_old, at_new in [*anchors, (part.old_to, part.new_to)]:
            open_ranges.append(_Range(i, at_old, j, at_new, part.depth + 1))
            i, j = at_old + 1, at_new + 1
        found += [(at_old, at_new, 1) for at_old, at_new in anchors]
    return found


def _without_ends(old: Sequence[str], new: Sequence[str], part: _Range, found: list[tuple[int, int, int]]) -> _Range:
    """Set the equal beginning and end aside, which is most of most texts."""
    i, old_to, j, new_to, depth = part
    while i < old_to and j < new_to and old[i] == new[j]:
        i, j = i + 1, j + 1
    if i > part.old_from:
        found.append((part.old_from, part.new_from, i - part.old_from))
    while i < old_to and j < new_to and old[old_to - 1] == new[new_to - 1]:
        old_to, new_to = old_to - 1, new_to - 1
    if old_to < part.old_to:
        found.append((old_to, new_to, part.old_to - old_to))
    return _Range(i, old_to, j, new_to, depth)


def _anchors(old: Sequence[str], new: Sequence[str], part: _Range) -> list[tuple[int, int]]:
    """Return the longest rising chain of items that occur exactly once on both sides."""
    olds = Counter(old[part.old_from : part.old_to])
    news = Counter(new[part.new_from : part.new_to])
    place = {new[j]: j for j in range(part.new_from, part.new_to) if news[new[j]] == 1}
    pairs = [(i, place[old[i]]) for i in range(part.old_from, part.old_to) if olds[old[i]] == 1 and old[i] in place]
    ends: list[int] = []
    last_of: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        at = bisect_left(ends, j)
        before.append(last_of[at - 1] if at else -1)
        # A chain of this length now ends as early as possible; or the longest chain grew by one.
        ends[at : at + 1], last_of[at : at + 1] = [j], [number]
    chain: list[tuple[int, int]] = []
    number = last_of[-1] if last_of else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


def _shortest_edit(old: Sequence[str], new: Sequence[str], part: _Range, budget: Budget) -> list[tuple[int, int, int]]:
    """Myers' greedy search, forward only. Nothing when it would take more edits or steps than are allowed."""
    height, width = part.old_to - part.old_from, part.new_to - part.new_from
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(height + width, _EDITS_MAX) + 1):
        trace.append(dict(furthest))
        budget.steps -= 3 * (edits + 1)
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
            x = furthest[k + 1] if down else furthest[k - 1] + 1
            start = x
            while x < height and 0 <= x - k < width and old[part.old_from + x] == new[part.new_from + x - k]:
                x += 1
            budget.steps -= x - start
            furthest[k] = x
            if x >= height and x - k >= width:
                return _walk_back(trace, part, height, width)
        if budget.steps <= 0:
            break
    return []


def _walk_back(trace: list[dict[int, int]], part: _Range, height: int, width: int) -> list[tuple[int, int, int]]:
    blocks: list[tuple[int, int, int]] = []
    x, y = height, width
    for edits in range(len(trace) - 1, -1, -1):
        furthest, k = trace[edits], x - y
        down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
        came_k = k + 1 if down else k - 1
        came_x = furthest[came_k]
        came_y = came_x - came_k
        start = came_x if down else came_x + 1
        if edits == 0:
            start = 0
        if x > start:
            blocks.append((part.old_from + start, part.new_from + start - k, x - start))
        x, y = came_x, came_y
    return blocks
