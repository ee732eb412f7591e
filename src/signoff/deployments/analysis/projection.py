"""The nearest pair of rates at which a claim would still be false. Pure."""

from __future__ import annotations

_EDGE = 1e-12
_STEPS_MAX = 60


def nearest(high: float, high_runs: int, low: float, low_runs: int, *, slope: float, offset: float) -> float:
    """Return the low rate q of the pair (slope · q + offset, q) nearest to (high, low), measured by the information
    that this many runs of each would give (Kullback-Leibler).

    Call it with high > slope · low + offset only: then the pair lies between the two, and is found by Newton's method
    inside that bracket.
    """
    if slope == 1 and offset == 0:
        return (high_runs * high + low_runs * low) / (high_runs + low_runs)
    left = max(low, -offset / slope + _EDGE, _EDGE)
    right = min((high - offset) / slope, (1 - offset) / slope - _EDGE, 1 - _EDGE)
    if right <= left:
        return right
    yes, no = high_runs * high * slope, high_runs * (1 - high) * slope
    low_yes, low_no = low_runs * low, low_runs * (1 - low)
    # Where it would be if the information grew evenly; a few steps away from where it is.
    firm, low_firm = high_runs / (high * (1 - high)), low_runs / (low * (1 - low))
    q = (firm * slope * (high - offset) + low_firm * low) / (firm * slope * slope + low_firm)
    if not left < q < right:
        q = (left + right) / 2
    for _ in range(_STEPS_MAX):
        p = slope * q + offset
        force = yes / p - no / (1 - p) + low_yes / q - low_no / (1 - q)
        if force > 0:
            left = q
        else:
            right = q
        stiffness = slope * (yes / p**2 + no / (1 - p) ** 2) + low_yes / q**2 + low_no / (1 - q) ** 2
        following = q + force / stiffness
        if not left < following < right:
            following = (left + right) / 2
        if abs(following - q) <= 1e-13 + 1e-10 * q:
            return following
        q = following
    return q
