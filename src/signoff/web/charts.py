"""Geometry of the charts: pure numbers. The component templates draw the marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


def spark_path(values: Sequence[float], low: float | None = None, height: float = 36, pad: float = 3) -> str:
    """An SVG path through the values in a box 100 wide. One value is a level line; none is no path."""
    if not values:
        return ""
    points = [values[0], values[0]] if len(values) == 1 else list(values)
    floor = min(points) if low is None else low
    reach = (max(points) - floor) or 1
    step = 100 / (len(points) - 1)
    return "M" + "L".join(
        f"{i * step:.2f} {height - pad - (v - floor) / reach * (height - 2 * pad):.2f}" for i, v in enumerate(points)
    )


@dataclass(frozen=True, slots=True)
class Box:
    """One coloured part of a bar; x and width in per cent, y and height in pixels."""

    key: str
    x: str
    y: str
    width: str
    height: str


def stack(rows: Sequence[Mapping[str, float]], keys: Sequence[str], height: float) -> list[list[Box]]:
    """For each row its boxes from the bottom up. A part above zero is never thinner than can be seen."""
    if not rows:
        return []
    top = max(sum(row[key] for key in keys) for row in rows) or 1
    width = 100 / len(rows)
    drawn: list[list[Box]] = []
    for index, row in enumerate(rows):
        y, boxes = height - 1, list[Box]()
        for key in keys:
            if row[key] > 0:
                tall = max(row[key] / top * (height - 8), 2.5)
                y -= tall
                x = f"{(index + 0.14) * width:.2f}%"
                boxes.append(Box(key, x, f"{y:.1f}", f"{width * 0.72:.2f}%", f"{tall:.1f}"))
                y -= 1
        drawn.append(boxes)
    return drawn


def nice_top(value: float) -> float:
    """The round number at the top of an axis: 1, 2, 2.5 or 5 times a power of ten, never below the value."""
    if value <= 0:
        return 1
    size = 1.0
    while size * 10 <= value:
        size *= 10
    while size > value:
        size /= 10
    return next((size * step for step in (1, 2, 2.5, 5, 10) if size * step >= value), size * 10)


def line_path(values: Sequence[float], top: float) -> str:
    """A path in a 100 by 100 box that the template stretches over the plot."""
    if not values:
        return ""
    points = [values[0], values[0]] if len(values) == 1 else list(values)
    step = 100 / (len(points) - 1)
    return "M" + "L".join(f"{i * step:.2f} {100 - v / (top or 1) * 100:.2f}" for i, v in enumerate(points))


def share(value: float, top: float) -> str:
    """How much of a bar is filled, in per cent with one digit; kept between 0 and 100."""
    return f"{min(max(value / top, 0), 1) * 100:.1f}" if top > 0 else "0.0"


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the waterfall: start and end in per cent of the whole."""

    x1: str
    x2: str


def step_bar(start_ms: float, duration_ms: float | None, span_ms: float) -> Step:
    """Where a step lies on the axis. An unfinished one (no duration) reaches to the end; the shortest stays a dot."""
    span = max(span_ms, 1)
    x1 = min(max(start_ms / span, 0), 1) * 100
    x2 = 100.0 if duration_ms is None else min(max((start_ms + duration_ms) / span, 0), 1) * 100
    return Step(f"{x1:.2f}%", f"{max(x2, x1 + 0.01):.2f}%")


def ticks_ms(span_ms: float, parts: int = 4) -> list[float]:
    """The moments written over the waterfall, from zero to its end."""
    return [span_ms * i / parts for i in range(parts + 1)]
