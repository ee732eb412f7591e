"""How probes say what they found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from signoff.kit import money

_NAMED_MAX = 5


def listed(names: Iterable[str]) -> str:
    """Return some names as a sentence goes on, the first few and how many more."""
    found = list(names)
    more = len(found) - _NAMED_MAX
    return ", ".join(found[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, one: str, several: str = "") -> str:
    """Return `3 runs`, `1 run`, `no runs`."""
    many = several or f"{one}s"
    return f"no {many}" if count == 0 else f"{count} {one if count == 1 else many}"


def dollars(amount: Decimal) -> str:
    """Return an amount as people read it."""
    return f"${money.as_text(amount.quantize(Decimal('0.0001')).normalize()) or '0'}"


def lasting(seconds: float) -> str:
    """Return a duration as people read it."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all do not exceed: one that was really measured, not one in between."""
    ordered = sorted(values)
    at = -(-len(ordered) * int(share * 1_000) // 1_000) - 1
    return ordered[max(0, min(at, len(ordered) - 1))]
