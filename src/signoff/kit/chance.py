"""Chance, for spreading load. Never for secrets, never where a replay must see the same value."""

from __future__ import annotations

import random


def jittered(seconds: float) -> float:
    """Return between half and one and a half of `seconds`: many callers must not come back in the same instant."""
    return seconds * (0.5 + random.random())  # noqa: S311


def share() -> float:
    """Return a number from 0 up to 1, to spread what would otherwise fall on one moment."""
    return random.random()  # noqa: S311
