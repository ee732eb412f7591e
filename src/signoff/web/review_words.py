"""The figures of a review, as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from signoff.watch.probes.words import lasting

_PERCENT = (
    ("error_percent", "Failed"),
    ("needed_input_percent", "Needed a person"),
    ("denied_percent", "Requests denied"),
)


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure, now and in the time it is compared with."""

    name: str
    now: str
    before: str


def figure_lines(metrics: Mapping[str, Any]) -> Iterator[FigureLine]:
    """Return the lines of a review; what nobody measured is a dash."""
    before: Mapping[str, Any] = metrics.get("before") or {}

    def both(name: str) -> tuple[Any, Any]:
        return metrics.get(name), before.get(name)

    runs, runs_before = both("runs")
    expected = metrics.get("runs_per_day_expected")
    per_day = f"{metrics.get('runs_per_day', 0):g} a day" + (f", {expected} expected" if expected else "")
    yield FigureLine("Runs", f"{runs or 0:,} ({per_day})", f"{runs_before or 0:,}")
    for name, title in _PERCENT:
        now, then = both(name)
        yield FigureLine(title, _percent(now), _percent(then))
    now, then = both("cost_per_run_usd")
    yield FigureLine("Cost per run", _money(now), _money(then))
    now, then = both("seconds_mean")
    yield FigureLine("Duration, mean", _seconds(now), _seconds(then))
    now, then = both("seconds_max")
    yield FigureLine("Duration, longest", _seconds(now), _seconds(then))


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:g} %"


def _money(value: float | None) -> str:
    return "–" if value is None else f"${value:.4f}".rstrip("0").rstrip(".")


def _seconds(value: float | None) -> str:
    return "–" if value is None else lasting(value)
