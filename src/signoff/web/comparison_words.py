"""A comparison of two variants, for a table with intervals: numbers as people say them, and where a bar lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signoff.releases.comparison import NOT_MEASURED, MetricView

_HALF = 60.0  # Half the width of a bar's picture.
_NAMES = {"pairs": "same inputs", "needs input": "needs a person"}


@dataclass(frozen=True, slots=True)
class MetricLine:
    """One row: both values, the difference with its interval, and the bar. `bar` None: too little was seen.

    The bar's zero is at 60 of 120; `low`, `high` and `effect` are its points.
    """

    name: str
    verdict: str
    sentence: str
    candidate: str
    live: str
    difference: str
    runs: str
    bar: tuple[float, float, float] | None


def metric_lines(metrics: Sequence[MetricView]) -> list[MetricLine]:
    """Return the rows of what something is known of, what is worse first."""
    order = {"worse": 0, "better": 1, "same": 2, "inconclusive": 3}
    known = sorted((one for one in metrics if one.effect is not None), key=lambda one: order[one.verdict])
    return [_line(one) for one in known]


def unseen_metrics(metrics: Sequence[MetricView]) -> list[str]:
    """Return the names of those of which too little was seen."""
    return [_NAMES.get(one.name, one.name) for one in metrics if one.effect is None and one.sentence != NOT_MEASURED]


def unmeasured_metrics(metrics: Sequence[MetricView]) -> list[str]:
    """Return the names of those that nobody measured."""
    return [_NAMES.get(one.name, one.name) for one in metrics if one.sentence == NOT_MEASURED]


def _line(one: MetricView) -> MetricLine:
    return MetricLine(
        name=_NAMES.get(one.name, one.name).capitalize(),
        verdict=one.verdict,
        sentence=one.sentence,
        candidate=_value(one, one.candidate_value),
        live=_value(one, one.live_value),
        difference=_difference(one),
        runs=f"{one.candidate_runs:,} and {one.live_runs:,}",
        bar=_bar(one),
    )


def _value(one: MetricView, value: float | None) -> str:
    if value is None:
        return "–"
    if one.kind in ("rate", "pairs"):
        return f"{value * 100:.1f} %"
    if one.name == "cost":
        return f"${value:,.4f}"
    if one.name == "duration":
        return f"{value:,.1f} s"
    return f"{value:,.2f}"


def _difference(one: MetricView) -> str:
    if one.effect is None:
        return "too little was seen"
    unit = {"rate": "points", "pairs": "points", "ratio": "%"}.get(one.kind, "")
    factor = 100.0 if unit else 1.0
    low = "…" if one.low is None else f"{one.low * factor:+.1f}"
    high = "…" if one.high is None else f"{one.high * factor:+.1f}"
    return f"{one.effect * factor:+.1f} ({low} to {high}) {unit}".rstrip()


def _bar(one: MetricView) -> tuple[float, float, float] | None:
    if one.effect is None or one.low is None or one.high is None:
        return None
    top = max(abs(one.low), abs(one.high), 1e-9)

    def at(value: float) -> float:
        return round(_HALF + max(-1.0, min(1.0, value / top)) * (_HALF - 4), 1)

    return at(one.low), at(one.effect), at(one.high)
