"""Between which shares the true one lies, when so many of so many were counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

_Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """A share that was counted, with its interval at 95 %; of nothing, everything is possible."""

    hits: int
    of: int
    rate: float | None
    low: float
    high: float


def share_of(hits: int, of: int) -> Share:
    """Return the share with Wilson's interval, which holds for small numbers and never leaves 0 to 1."""
    if of == 0:
        return Share(0, 0, None, 0.0, 1.0)
    rate, square = hits / of, _Z_95**2
    middle = (rate + square / (2 * of)) / (1 + square / of)
    half = _Z_95 * sqrt(rate * (1 - rate) / of + square / (4 * of * of)) / (1 + square / of)
    low = 0.0 if hits == 0 else max(middle - half, 0.0)
    high = 1.0 if hits == of else min(middle + half, 1.0)
    return Share(hits, of, rate, low, high)
